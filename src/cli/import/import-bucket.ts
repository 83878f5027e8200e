import { Slots } from '../../engine/slots.ts'
import { CommandFailure } from '../failure.ts'
import type { ImportContext } from './context.ts'
import { importKey } from './import-key.ts'
import { joinHistories } from './join-histories.ts'
import { listCurrent, listHistories, listKey } from './list-bucket.ts'
import { prepareBucket, readVersioning } from './prepare-bucket.ts'
import type { KeyHistory } from './versions.ts'

export interface ImportOrder {
  prefix: string
  /** Even if the source has versions. */
  isCurrentOnly: boolean
  isDryRun: boolean
  /** Keys at work at once. */
  concurrency: number
}

/**
 * Copies what the destination does not have yet; what came of it is in the context's tally. Rejects where nothing can be
 * copied at all, or no further: CommandFailure, S3Failure, the signal's reason.
 */
export async function importBucket(context: ImportContext, order: ImportOrder, signal: AbortSignal): Promise<void> {
  const { source, target, retry, carriesLocks } = context
  const { prefix, isDryRun, concurrency } = order
  const versioning = await readVersioning(source, retry, signal)
  if (versioning === undefined)
    throw new CommandFailure(`There is no bucket ${source.bucket} at ${source.endpoint.name}.`)
  const isWhole = versioning !== 'never' && !order.isCurrentOnly
  if (!isDryRun) await prepareBucket(target, { keepsVersions: isWhole, carriesLocks }, retry, signal)
  const isThere = !isDryRun || (await readVersioning(target, retry, signal)) !== undefined
  const list = isWhole ? listHistories : listCurrent
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const counting = countAhead(context, list({ ...source, prefix }, retry, either))
  const keys = new Slots(concurrency)
  const running = new Set<Promise<void>>()
  let stopped: { error: unknown } | undefined
  try {
    const here = isThere ? listHistories({ ...target, prefix }, retry, either) : none()
    const look = (key: string) => listKey(target, key, retry, either)
    for await (const each of joinHistories(list({ ...source, prefix }, retry, either), here, look)) {
      const slot = await keys.take(either)
      const one = importKey(context, { ...each, isWhole, isDryRun }, either)
        .catch((error: unknown) => {
          stopped ??= { error }
          ended.abort(error)
        })
        .finally(() => {
          slot[Symbol.dispose]()
          running.delete(one)
        })
      running.add(one)
    }
    await Promise.all(running)
  } finally {
    ended.abort(new Error('the import is over'))
    await Promise.all([counting, ...running])
  }
  if (stopped) throw stopped.error
}

/** For the time that is left; the listing itself tells where it fails. */
async function countAhead({ tally }: ImportContext, histories: AsyncIterable<KeyHistory>): Promise<void> {
  const total = { versions: 0, bytes: 0 }
  try {
    for await (const { versions } of histories) {
      total.versions += versions.length
      for (const { sizeBytes } of versions) total.bytes += sizeBytes
    }
    tally.total = total
  } catch {
    // It is only not known.
  }
}

async function* none(): AsyncGenerator<KeyHistory> {}
