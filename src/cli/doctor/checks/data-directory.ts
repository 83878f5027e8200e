import { constants } from 'node:fs'
import { access, lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../failure.ts'
import { type Check, type Finding, failure, ok, orOk, skipped } from '../check.ts'
import { nearestThatExists } from '../places.ts'

/** Of whoever runs the store. PostgreSQL's directory may be another's: it does not run as root. */
const OWNED_ALIKE = ['lock', 'secrets', 'run', 'nodes', 'node.json', 'segments', 'chunks']

export const dataDirectory: Check = {
  name: 'data directory',
  async run({ role, paths: { root } }) {
    if (role === 'gateway') return skipped('a gateway keeps no data')
    const found = await stat(root).catch((error) => systemCode(error) ?? 'unknown')
    if (found === 'ENOENT') return await judgeParent(root)
    if (typeof found === 'string')
      return failure(`The data directory ${root} cannot be looked at (${found}): choose another by SEXTANT_DATA_DIR.`)
    if (!found.isDirectory())
      return failure(`${root} is no directory: name one by SEXTANT_DATA_DIR, or move the file away.`)
    const refused = await refusalOf(root)
    if (refused !== undefined)
      return failure(`${root} cannot be written to (${refused}): give it to the user who runs Sextant, by chown.`)
    return orOk(await strangers(root, found.uid), `${root} is there and can be written to`)
  },
}

async function judgeParent(root: string): Promise<Finding> {
  const parent = await nearestThatExists(root)
  const refused = await refusalOf(parent)
  if (refused === undefined) return ok(`${root} will be made at the first start`)
  return failure(`${root} is not there and cannot be made in ${parent} (${refused}): make it, or set SEXTANT_DATA_DIR.`)
}

/** Why this user may not write there; undefined: it may. */
async function refusalOf(directory: string): Promise<string | undefined> {
  return await access(directory, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error) => systemCode(error) ?? 'unknown',
  )
}

/** A store that was started once as somebody else leaves what its owner cannot open. */
async function strangers(root: string, uid: number): Promise<Finding[]> {
  const found: Finding[] = []
  const own = process.getuid?.() ?? uid
  if (own !== 0 && own !== uid)
    found.push(failure(`${root} belongs to user ${uid}, and this is ${own}: run Sextant as its owner, or chown -R it.`))
  for (const name of OWNED_ALIKE) {
    const entry = await lstat(join(root, name)).catch(() => undefined)
    if (entry && entry.uid !== uid)
      found.push(
        failure(
          `${join(root, name)} belongs to user ${entry.uid}, the data directory to ${uid}: chown -R one to the other.`,
        ),
      )
  }
  return found
}
