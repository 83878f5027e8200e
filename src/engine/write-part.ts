import { StoreFault } from '../base/faults.ts'
import { NULL_VERSION, type PartId, type UploadId, type VersionId, versionIdOf } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout, Versioning } from '../base/model.ts'
import { CHECKSUM_BYTES, type ChunkHasher, chunkHasher } from '../striping/checksum.ts'
import type { PartGeometry } from '../striping/layout.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import type { ChunkSet } from './chunk-set.ts'
import type { Compression } from './compression/compression.ts'
import type { EngineDeps } from './deps.ts'
import { type BodyDigests, startDigests } from './digests.ts'
import { type Attempts, discardChunks } from './discard.ts'
import type { ContentKey } from './encryption/data-keys.ts'
import type { BodyClaims, ByteStream } from './engine.ts'
import { openChunkSet } from './open-chunk-set.ts'
import { newPartId } from './part-ids.ts'
import { openPartSource, type PartSource } from './part-source.ts'
import type { PartLabel } from './ports/chunk-store.ts'
import { digestsOfBody, type StripeDigests, startStripeDigests } from './stripe-digests.ts'
import { StripeFiller } from './stripe-filler.ts'

export interface PartOrder {
  claims: BodyClaims
  label: Omit<PartLabel, 'versionId' | 'encryption' | 'createdMs'>
  /** Compresses the bytes, if that is worth it. */
  compression?: Compression | undefined
  /** Absent: the bytes are not encrypted. */
  content?: ContentKey | undefined
  /** As the bucket was looked up; what it is at the commit decides. Absent: none. */
  versioning?: Versioning
}

/** A part whose chunks are durable, and that nothing refers to yet. Left without `keep`, its chunks are deleted. */
export interface PartDraft extends AsyncDisposable {
  /** Absent for a part without bytes. */
  readonly layout: PartLayout | undefined
  readonly digests: BodyDigests
  /** All of a part that is small enough for the cache. */
  readonly bytes: Buffer | undefined
  /** To be called once the catalogue refers to the part, or may do so. */
  keep(): void
}

/**
 * Cuts `body`, compressed and encrypted where that is wanted, into stripes, adds parity, and sends every chunk to its node;
 * resolves when all that count are durable. Memory: at most `stripesInFlightMax` stripes, and one that waits to be hashed.
 * Faults: BadDigest, IncompleteBody, ServiceUnavailable, InsufficientStorage, and whatever the body throws; after any of
 * them nothing stays on the nodes.
 */
export async function writePart(
  deps: EngineDeps,
  order: PartOrder,
  body: ByteStream,
  signal: AbortSignal,
): Promise<PartDraft> {
  const partId = newPartId(deps)
  const { claims, content, compression } = order
  await using source = await openPartSource(deps, { partId, claims, content, compression }, body, signal)
  const geometry = geometryOf(deps, order.label, source.claims)
  const attempts: Attempts = { partId, geometry, servers: new Map() }
  const draft = new Draft(() => discardChunks(deps, attempts))
  try {
    if (geometry.sizeBytes === 0) return draft.seal(undefined, await digestNothing(source))
    const label = {
      ...order.label,
      versionId: labelledVersion(partId, order),
      encryption: content?.encryption,
      createdMs: deps.clock.nowMs(),
    }
    await using set = openChunkSet(deps, { partId, geometry, label, attempts: attempts.servers }, signal)
    const hashers = Array.from({ length: DATA_CHUNKS + geometry.parityChunks }, () => chunkHasher())
    const run: StripeRun = { partId, geometry, claims: source.claims, set, hashers, bytes: undefined }
    const digests = await sendStripes(deps, run, source, signal)
    if (geometry.sizeBytes === 0) return draft.seal(undefined, digests)
    const chunkHashes = hashers.map((hasher) => hasher.digest())
    const plainBytes = source.plainBytes()
    const { servers, strays } = await set.finish(chunkHashes, {
      etag: digests.etag,
      checksumAlgorithm: claims.checksum?.algorithm ?? '',
      checksum: digests.checksum ?? '',
      plainBytes,
    })
    if (strays.length > 0) await deps.catalogue.noteStrays(partId, strays, signal)
    draft.bytes = run.bytes
    const layout = { partId, ...geometry, plainBytes, servers, chunkHashes: Buffer.concat(chunkHashes) }
    return draft.seal(layout, digests)
  } catch (error) {
    await draft[Symbol.asyncDispose]()
    throw error
  }
}

/** As clients know it. */
export function plainBytesOf({ plainBytes, sizeBytes }: PartLayout): number {
  return plainBytes ?? sizeBytes
}

class Draft implements PartDraft {
  layout: PartLayout | undefined
  bytes: Buffer | undefined
  digests: BodyDigests = { etag: '', checksum: undefined }
  #discard: (() => Promise<void>) | undefined
  constructor(discard: () => Promise<void>) {
    this.#discard = discard
  }
  seal(layout: PartLayout | undefined, digests: BodyDigests): this {
    this.layout = layout
    this.digests = digests
    return this
  }
  keep(): void {
    this.#discard = undefined
  }
  async [Symbol.asyncDispose](): Promise<void> {
    const discard = this.#discard
    this.#discard = undefined
    await discard?.()
  }
}

function labelledVersion(partId: PartId, { label, versioning }: PartOrder): VersionId {
  return versioning === 'Enabled' ? versionIdOf((label.uploadId as UploadId) || partId) : NULL_VERSION
}

function geometryOf(
  { settings }: EngineDeps,
  { storageClass }: PartOrder['label'],
  { sizeBytes }: BodyClaims,
): PartGeometry {
  const parityChunks = settings.parityChunks[storageClass]
  if (parityChunks === undefined) throw new StoreFault('InvalidStorageClass', { storageClass })
  // A part that travels whole is one stripe: an upload never waits for a second buffer while it holds a first.
  const wholeBlockBytes = settings.messageChunkBytesMax - CHECKSUM_BYTES
  const blockBytes = sizeBytes <= DATA_CHUNKS * wholeBlockBytes ? wholeBlockBytes : settings.blockBytes
  return { sizeBytes, blockBytes, parityChunks }
}

async function digestNothing({ claims, body, digests }: PartSource): Promise<BodyDigests> {
  for await (const bytes of body) {
    if (bytes.length > 0) throw new StoreFault('IncompleteBody', { sizeBytes: bytes.length, expectedBytes: 0 })
  }
  return (digests ?? startDigests(claims)).finish()
}

interface StripeRun {
  partId: PartId
  /** Of the whole body; of one that may be shorter, once it has ended. */
  geometry: PartGeometry
  /** Of what is cut into stripes. */
  claims: BodyClaims
  set: ChunkSet
  hashers: readonly ChunkHasher[]
  /** Set when the part is small enough for the cache. */
  bytes: Buffer | undefined
}

async function sendStripes(
  deps: EngineDeps,
  run: StripeRun,
  source: PartSource,
  signal: AbortSignal,
): Promise<BodyDigests> {
  const { geometry, claims } = run
  using digests = digestsOf(deps, run, source)
  using filler = new StripeFiller(deps, geometry)
  let receivedBytes = 0
  for await (const bytes of source.body) {
    receivedBytes += bytes.length
    if (receivedBytes > claims.sizeBytes) break
    for (let rest = bytes; rest.length > 0; ) {
      const { index } = filler
      rest = rest.subarray(await filler.fill(rest, signal))
      const full = await filler.takeFull(signal)
      if (full) await send(full, index)
    }
    filler.wait()
  }
  if (receivedBytes < claims.sizeBytes && claims.mayBeShorter) {
    geometry.sizeBytes = receivedBytes
    if (receivedBytes === 0) return startDigests(claims).finish()
    const { index } = filler
    const rest = await filler.takeRest(signal)
    if (rest) await send(rest, index)
  } else if (receivedBytes !== claims.sizeBytes) {
    throw new StoreFault('IncompleteBody', { sizeBytes: receivedBytes, expectedBytes: claims.sizeBytes })
  }
  return await digests.finish()

  async function send(stripe: StripeBuffer, index: number): Promise<void> {
    const isAll = stripe.filledBytes === geometry.sizeBytes
    if (isAll && deps.chunkCache.wantsWritten(geometry.sizeBytes)) run.bytes = copyOf(stripe)
    await sendStripe(run, stripe, index, digests)
  }
}

function digestsOf({ pool }: EngineDeps, run: StripeRun, { digests }: PartSource): StripeDigests {
  return digests ? digestsOfBody(digests) : startStripeDigests(pool, run)
}

/** In memory of its own: Buffer.concat may take it from a pool that something smaller keeps alive. */
function copyOf(stripe: StripeBuffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(stripe.filledBytes)
  let at = 0
  for (const piece of stripe.data()) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

async function sendStripe(
  { partId, hashers, set }: StripeRun,
  stripe: StripeBuffer,
  index: number,
  digests: StripeDigests,
): Promise<void> {
  const checksums = stripe.seal(partId, index)
  for (const [chunk, hasher] of hashers.entries()) hasher.update(checksums[chunk]!)
  digests.sealed(stripe, index, checksums)
  await set.write(stripe)
  await digests.caughtUp()
}
