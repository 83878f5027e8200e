import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { settings as allSettings } from '../../../base/config.ts'
import { type Check, type Finding, failure, ok, orOk, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

const GROUP_AND_OTHERS = 0o077
const OTHERS = 0o007
const KEYS = ['clusterTlsKey', 's3TlsKey', 'adminTlsKey'] as const

/** Our own secrets, and what settings name: who else may read them. */
export const secretFiles: Check = {
  name: 'secrets',
  async run(context) {
    const own = await modesOf(await ownSecrets(context))
    const given = await modesOf(givenSecrets(context))
    const wrong: Finding[] = []
    for (const [path, mode] of own)
      if (mode & GROUP_AND_OTHERS)
        wrong.push(failure(`Others may read ${path} (mode ${mode.toString(8)}): chmod go= ${path}.`))
    for (const [path, mode] of given)
      if (mode & OTHERS)
        wrong.push(warning(`Every user of this host may read ${path} (mode ${mode.toString(8)}): chmod o= ${path}.`))
    if (own.size + given.size === 0) return ok('there are no secrets in files yet')
    return orOk(wrong, 'nobody else reads the secrets in files')
  },
}

async function ownSecrets({ paths }: DoctorContext): Promise<string[]> {
  const names = await readdir(paths.secrets).catch(() => undefined)
  const runs = join(paths.run, 'store.json') // it may hold the password of the database
  return [...(names ? [paths.secrets, ...names.map((name) => join(paths.secrets, name))] : []), runs]
}

function givenSecrets({ env, settings }: DoctorContext): string[] {
  const files = allSettings().flatMap(([, { name, secret }]) => (secret && env[`${name}_FILE`]) || [])
  return [...files, ...KEYS.flatMap((key) => settings[key] ?? [])]
}

/** Of those that are there and ours to look at. */
async function modesOf(paths: readonly string[]): Promise<Map<string, number>> {
  const modes = new Map<string, number>()
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined)
    if (found) modes.set(path, found.mode & 0o777)
  }
  return modes
}
