import { limits } from '../../base/limits.ts'
import { S3Failure } from '../s3-client/s3-failure.ts'
import { etagOf } from './carried.ts'
import type { ImportContext } from './context.ts'
import { copyParts } from './copy-parts.ts'
import { copySplit } from './copy-split.ts'
import { copyWhole } from './copy-whole.ts'
import { sameContent } from './is-same.ts'
import { listKey } from './list-bucket.ts'
import { missingVersions } from './match-history.ts'
import { type History, type KeyHistory, type ListedVersion, partsOf } from './versions.ts'

export interface KeyOrder {
  source: KeyHistory
  /** What the destination had when it was listed. */
  here: History
  /** All versions, or what is current only. */
  isWhole: boolean
  isDryRun: boolean
}

/**
 * Brings one key up to date: looks what is missing, and copies it, the oldest first. After a failure it looks again, for a
 * write whose answer was lost may have happened: so no version is ever written twice. Never rejects but for the signal.
 */
export async function importKey(context: ImportContext, order: KeyOrder, signal: AbortSignal): Promise<void> {
  const { tally, retry, target } = context
  const { key } = order.source
  const progress = { versionId: undefined as string | undefined, done: 0, left: order.source.versions.length }
  let source: History = order.source.versions
  let isFirst = true
  const bringUpToDate = async () => {
    const here = isFirst ? order.here : await listKey(target, key, (once) => once(), signal)
    if (!isFirst && !order.isWhole) source = await lookAgain(context, key, signal)
    const missing = await whatIsMissing(context, { ...order, source: { key, versions: source }, here }, signal)
    const there = source.slice(0, source.length - missing.length)
    if (isFirst) countPresent(context, there)
    // Written by an attempt whose answer was lost.
    else for (const version of there.slice(progress.done)) count(context, version)
    isFirst = false
    progress.done = there.length
    progress.left = missing.length
    let latest = here.at(-1)
    for (const version of missing) {
      progress.versionId = version.versionId
      latest = order.isDryRun ? pretend(context, version) : await copyOne(context, { key, version, latest }, signal)
      progress.done++
      progress.left--
    }
  }
  try {
    for (let before = -1; before < progress.done && progress.left > 0; ) {
      before = progress.done
      await retry(bringUpToDate, signal).catch((error: unknown) => {
        // A key of many versions has as many attempts for each.
        if (signal.aborted || before === progress.done || !(error instanceof S3Failure && error.isPassing)) throw error
      })
    }
  } catch (error) {
    signal.throwIfAborted()
    tally.fail({ key, versionId: progress.versionId, reason: reasonOf(error) }, Math.max(1, progress.left))
  }
  tally.keys++
}

function countPresent({ tally }: ImportContext, there: History): void {
  for (const { sizeBytes } of there) {
    tally.present++
    tally.presentBytes += sizeBytes
  }
}

function count({ tally }: ImportContext, { isMarker }: ListedVersion): void {
  if (isMarker) tally.markers++
  else tally.copied++
}

/** What is current may be replaced at any time. */
async function lookAgain({ source, tally }: ImportContext, key: string, signal: AbortSignal): Promise<History> {
  const { endpoint, bucket } = source
  const found = await endpoint.find({ method: 'HEAD', bucket, key }, signal)
  if (!found) {
    tally.gone++
    return []
  }
  const { headers } = found
  const lastModifiedMs = Date.parse(headers['last-modified'] ?? '')
  const sizeBytes = Number(headers['content-length'])
  return [{ versionId: undefined, isMarker: false, etag: etagOf(headers), sizeBytes, lastModifiedMs }]
}

async function whatIsMissing(
  context: ImportContext,
  { source: { key, versions }, here, isWhole }: KeyOrder,
  signal: AbortSignal,
): Promise<History> {
  const isSame = sameContent(context, key, signal)
  if (isWhole) {
    const missing = await missingVersions(versions, here, isSame)
    if (missing) return missing
    throw conflict('the destination has versions of it that did not come from the source')
  }
  const [current] = versions
  const latest = here.at(-1)
  if (!current || !latest || latest.isMarker) {
    if (latest?.isMarker && current) throw conflict('it was deleted at the destination')
    return versions
  }
  if (await isSame(current, latest)) return []
  if (current.lastModifiedMs > latest.lastModifiedMs) return versions
  throw conflict('the destination has another object there, which is newer')
}

function conflict(reason: string): S3Failure {
  return new S3Failure(reason, { code: 'Conflict', status: 400 })
}

function pretend(context: ImportContext, version: ListedVersion): ListedVersion {
  count(context, version)
  context.tally.bytes += version.sizeBytes
  return version
}

interface Step {
  key: string
  version: ListedVersion
  /** What is the latest version here. */
  latest: ListedVersion | undefined
}

/** Answers what is the latest version then. */
async function copyOne(context: ImportContext, step: Step, signal: AbortSignal): Promise<ListedVersion | undefined> {
  const { tally, target } = context
  const { key, version, latest } = step
  if (version.isMarker) {
    const headers = latest && !latest.isMarker ? { 'if-match': `"${latest.etag}"` } : {}
    await target.endpoint.ask({ method: 'DELETE', bucket: target.bucket, key, headers }, signal)
    count(context, version)
    return version
  }
  try {
    const etag = await copyObject(context, step, signal)
    count(context, version)
    return { ...version, etag }
  } catch (error) {
    if (!isGone(error)) throw error
    tally.gone++
    return latest
  }
}

function copyObject(context: ImportContext, { key, version, latest }: Step, signal: AbortSignal): Promise<string> {
  const isThere = latest && !latest.isMarker
  const condition: Record<string, string> = isThere ? { 'if-match': `"${latest.etag}"` } : { 'if-none-match': '*' }
  const errand = { key, version, condition }
  const parts = partsOf(version.etag)
  if (parts !== undefined) return copyParts(context, errand, parts, signal)
  if (version.sizeBytes > limits.putBytesMax) return copySplit(context, errand, context.partBytes, signal)
  return copyWhole(context, errand, signal)
}

/** Expired or deleted at the source since it was listed. */
function isGone(error: unknown): boolean {
  return error instanceof S3Failure && (error.code === 'NoSuchKey' || error.code === 'NoSuchVersion')
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
