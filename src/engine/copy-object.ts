import type { EngineDeps } from './deps.ts'
import { openContentKey, sealContentKey, sharesKey, withEncryption } from './encryption/data-keys.ts'
import type { ClaimedChecksum, CopyObjectInput, WrittenObject } from './engine.ts'
import { putObject } from './put-object.ts'
import { readObject } from './read-object.ts'

/**
 * Metadata only, whatever the size: the copy shares the source's parts, and its data key, sealed anew. Where the copy is to
 * be encrypted in another way, or not at all, its bytes are read and written.
 */
export async function copyObject(
  deps: EngineDeps,
  input: CopyObjectInput,
  signal: AbortSignal,
): Promise<WrittenObject> {
  const { source, bucket, encryption: wish, sourceCustomerKey: customerKey, ...copy } = input
  const encryption = source.extras?.encryption
  const opened = openContentKey(deps.keys, encryption, customerKey)
  if (!sharesKey({ encryption, customerKey }, wish, deps.keys))
    return await rewriteObject(deps, input, opened?.dataKey, signal)
  const content = opened && wish && (await sealContentKey(deps, opened.dataKey, wish, signal))
  const extras = withEncryption(input.extras, content)
  const committed = await deps.catalogue.copyObject({ ...copy, source, bucketId: bucket.id, extras }, signal)
  return { ...committed, etag: source.etag, checksum: source.checksum, encryption: content?.encryption }
}

async function rewriteObject(
  deps: EngineDeps,
  { source, ...copy }: CopyObjectInput,
  dataKey: Buffer | undefined,
  signal: AbortSignal,
): Promise<WrittenObject> {
  const { sizeBytes } = source
  const found = { bucket: copy.bucket, object: source, layouts: [], dataKey }
  const body = readObject(deps, found, { first: 0, last: sizeBytes - 1 }, signal)
  const claims = { sizeBytes, md5: undefined, checksum: checksumOfCopy(source) }
  const origin = copy.origin && { ...copy.origin, via: 'Copy' as const }
  return await putObject(deps, { ...copy, claims, ...(origin && { origin }) }, body, signal)
}

/** Of the source's kind, and compared with it if it is one of all bytes. */
function checksumOfCopy({ checksum }: CopyObjectInput['source']): ClaimedChecksum | undefined {
  if (!checksum) return undefined
  const { algorithm, value, type } = checksum
  return { algorithm, expected: () => (type === 'FULL_OBJECT' ? value : undefined) }
}
