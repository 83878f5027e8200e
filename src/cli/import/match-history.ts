import type { History, ListedVersion } from './versions.ts'

export type IsSame = (source: ListedVersion, here: ListedVersion) => Promise<boolean>

/**
 * What of the source's versions of a key is still to be copied, the oldest first, judged by what the destination has; so
 * nothing else has to be remembered of what an earlier run did. Undefined: the destination has versions that did not come
 * from there, and nothing can be put below or between them.
 *
 * Where the source has lost its oldest versions since, the destination may begin with more than the source has; where
 * somebody has written here after all was copied, it may go on with more.
 */
export async function missingVersions(source: History, here: History, isSame: IsSame): Promise<History | undefined> {
  if (here.length === 0) return source
  for (let skipped = 0; skipped < here.length; skipped++) {
    const rest = here.slice(skipped)
    if (await isAlike(source, rest, isSame)) return source.slice(rest.length)
  }
  return undefined
}

/** As far as both go. */
async function isAlike(source: History, here: History, isSame: IsSame): Promise<boolean> {
  for (let n = 0; n < Math.min(source.length, here.length); n++) if (!(await isSame(source[n]!, here[n]!))) return false
  return true
}
