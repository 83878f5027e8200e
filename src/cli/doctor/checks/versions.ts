import { deadline } from '../../../base/deadline.ts'
import { readVersion } from '../../version.ts'
import { askHttp } from '../ask-http.ts'
import { type Check, orOk, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

const ASK_MS_MAX = 3_000

/** Programs of the cluster that are of another version than this one. */
export const versions: Check = {
  name: 'versions',
  async run(context) {
    const own = readVersion()
    const found = [...(await nodeVersions(context)), ...(await gatewayVersion(context))]
    if (found.length === 0) return skipped('nothing tells its version')
    const others = found.filter(({ version }) => version !== own)
    const wrong = others.map(({ who, version }) =>
      warning(`${who} runs version ${version}, and this is ${own}: restart it with this one when its turn comes.`),
    )
    return orOk(wrong, `all run version ${own}`)
  },
}

interface Running {
  who: string
  version: string
}

async function nodeVersions({ answers }: DoctorContext): Promise<Running[]> {
  const asked = await answers()
  if (asked.is !== 'there') return []
  return asked.value.flatMap(({ server, stat }) =>
    stat ? [{ who: `Storage server ${server.number}`, version: stat.version ?? 'that tells none' }] : [],
  )
}

/** That of `sextant up` on this host. */
async function gatewayVersion({ store, clock }: DoctorContext): Promise<Running[]> {
  if (!store) return []
  using late = deadline(clock, ASK_MS_MAX)
  const answer = await askHttp(`${store.adminUrl}/metrics`, late.signal).catch(() => undefined)
  const [, version] = /^sextant_build_info\{[^}]*version="([^"]+)"/m.exec(answer?.body ?? '') ?? []
  return version === undefined ? [] : [{ who: 'The gateway', version }]
}
