import { createHash } from 'node:crypto'
import { escapeText } from '../../s3api/xml/write-xml.ts'
import { asFailure, CommandFailure } from '../failure.ts'
import { listHistories } from '../import/list-bucket.ts'
import type { S3Endpoint } from '../s3-client/endpoint.ts'
import type { Retry } from '../s3-client/retry.ts'
import { S3Failure } from '../s3-client/s3-failure.ts'
import { readXmlTree, textOf } from '../s3-client/xml-tree.ts'

/** Where a benchmark writes, and nowhere else. */
export interface Place {
  endpoint: S3Endpoint
  bucket: string
  /** Of all its keys; ends in a slash. */
  prefix: string
  /** Made for the run: it goes with all that is in it. */
  isOwnBucket: boolean
}

/** Buckets elsewhere than there are made with a word where. */
const REGION_UNSAID = 'us-east-1'
/** S3's limit of DeleteObjects. */
const DELETED_AT_ONCE = 1_000

/** Makes the bucket, or sees that the given one is there and may be listed. Fault: CommandFailure. */
export async function openPlace(
  { endpoint, bucket, prefix, isOwnBucket }: Place,
  region: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (!isOwnBucket) {
      await endpoint.ask({ method: 'GET', bucket, query: { 'list-type': '2', 'max-keys': '1', prefix } }, signal)
      return
    }
    const constraint = `<LocationConstraint>${escapeText(region)}</LocationConstraint>`
    const body = Buffer.from(`<CreateBucketConfiguration>${constraint}</CreateBucketConfiguration>`)
    await endpoint.ask({ method: 'PUT', bucket, ...(region !== REGION_UNSAID && { body }) }, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof S3Failure && error.code === 'NoSuchBucket')
      throw new CommandFailure(`There is no bucket ${bucket} at ${endpoint.name}: make it, or leave out --bucket.`)
    throw asFailure(`The benchmark cannot ${isOwnBucket ? 'make a bucket' : `use the bucket ${bucket}`}`, error)
  }
}

/** Removes every version below the prefix, and a bucket of its own. CommandFailure: something is still there. */
export async function clearPlace(
  place: Place,
  retry: Retry,
  signal: AbortSignal,
  onRemoved: (count: number) => void,
): Promise<void> {
  const { endpoint, bucket, isOwnBucket } = place
  const where = isOwnBucket ? { ...place, prefix: '' } : place
  try {
    let batch: Version[] = []
    const flush = async () => {
      await removeAll(place, batch, retry, signal)
      onRemoved(batch.length)
      batch = []
    }
    for await (const { key, versions } of listHistories(where, retry, signal))
      for (const { versionId } of versions) if (batch.push({ key, versionId }) === DELETED_AT_ONCE) await flush()
    if (batch.length > 0) await flush()
    if (isOwnBucket) await retry(() => endpoint.find({ method: 'DELETE', bucket }, signal), signal)
  } catch (error) {
    if (isOwnBucket && error instanceof S3Failure && error.code === 'NoSuchBucket') return
    throw asFailure(`Not all could be removed below ${nameOf(place)}`, error)
  }
}

export function nameOf({ bucket, prefix }: Place): string {
  return `s3://${bucket}/${prefix}`
}

interface Version {
  key: string
  versionId: string | undefined
}

async function removeAll(
  { endpoint, bucket }: Place,
  versions: readonly Version[],
  retry: Retry,
  signal: AbortSignal,
): Promise<void> {
  const objects = versions.map(({ key, versionId }) => {
    const version = versionId === undefined ? '' : `<VersionId>${escapeText(versionId)}</VersionId>`
    return `<Object><Key>${escapeText(key)}</Key>${version}</Object>`
  })
  const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects.join('')}</Delete>`)
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  await retry(async () => {
    const { text } = await endpoint.ask({ method: 'POST', bucket, query: { delete: '' }, headers, body }, signal)
    const refused = readXmlTree(text).children.find(({ name }) => name === 'Error')
    if (!refused) return
    const code = textOf(refused, 'Code') ?? 'Error'
    throw new S3Failure(`${code}: ${textOf(refused, 'Message') ?? textOf(refused, 'Key') ?? ''}`, { code, status: 200 })
  }, signal)
}
