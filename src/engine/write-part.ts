import { StoreFault } from '../base/faults.ts'
import type { PartId } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { CHECKSUM_BYTES, type ChunkHasher, chunkHasher } from '../striping/checksum.ts'
import type { PartGeometry } from '../striping/layout.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import { type ChunkSet, openChunkSet } from './chunk-set.ts'
import type { EngineDeps } from './deps.ts'
import { type BodyDigests, startDigests } from './digests.ts'
import { type Attempts, discardChunks } from './discard.ts'
import type { BodyClaims, ByteStream } from './engine.ts'
import { newPartId } from './part-ids.ts'
import type { PartLabel } from './ports/chunk-store.ts'
import { type StripeDigests, startStripeDigests } from './stripe-digests.ts'
import { StripeFiller } from './stripe-filler.ts'

export interface PartOrder {
  claims: BodyClaims
  label: Omit<PartLabel, 'createdMs'>
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
 * Cuts `body` into stripes, adds parity, and sends every chunk to its node; resolves when all that count are durable.
 * Memory: at most `stripesInFlightMax` stripes, and one that waits to be hashed. Faults: BadDigest, IncompleteBody,
 * ServiceUnavailable, InsufficientStorage, and whatever the body throws; after any of them nothing stays on the nodes.
 */
export async function writePart(
  deps: EngineDeps,
  order: PartOrder,
  body: ByteStream,
  signal: AbortSignal,
): Promise<PartDraft> {
  const partId = newPartId(deps)
  const geometry = geometryOf(deps, order)
  const attempts: Attempts = { partId, geometry, servers: new Map() }
  const draft = new Draft(() => discardChunks(deps, attempts))
  try {
    if (geometry.sizeBytes === 0) return draft.seal(undefined, await digestNothing(order.claims, body))
    const label = { ...order.label, createdMs: deps.clock.nowMs() }
    await using set = openChunkSet(deps, { partId, geometry, label, attempts: attempts.servers }, signal)
    const hashers = Array.from({ length: DATA_CHUNKS + geometry.parityChunks }, () => chunkHasher())
    const run: StripeRun = { partId, geometry, claims: order.claims, set, hashers, bytes: undefined }
    const digests = await sendStripes(deps, run, body, signal)
    const chunkHashes = hashers.map((hasher) => hasher.digest())
    const servers = await set.finish(chunkHashes, {
      etag: digests.md5.toString('hex'),
      checksumAlgorithm: order.claims.checksum?.algorithm ?? '',
      checksum: digests.checksum ?? '',
    })
    draft.bytes = run.bytes
    return draft.seal({ partId, ...geometry, servers, chunkHashes: Buffer.concat(chunkHashes) }, digests)
  } catch (error) {
    await draft[Symbol.asyncDispose]()
    throw error
  }
}

class Draft implements PartDraft {
  layout: PartLayout | undefined
  bytes: Buffer | undefined
  digests: BodyDigests = { md5: Buffer.alloc(0), checksum: undefined }
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

function geometryOf({ settings }: EngineDeps, { claims, label }: PartOrder): PartGeometry {
  const parityChunks = settings.parityChunks[label.storageClass]
  if (parityChunks === undefined) throw new StoreFault('InvalidStorageClass', { storageClass: label.storageClass })
  const { sizeBytes } = claims
  // A part that travels whole is one stripe: an upload never waits for a second buffer while it holds a first.
  const wholeBlockBytes = settings.messageChunkBytesMax - CHECKSUM_BYTES
  const blockBytes = sizeBytes <= DATA_CHUNKS * wholeBlockBytes ? wholeBlockBytes : settings.blockBytes
  return { sizeBytes, blockBytes, parityChunks }
}

async function digestNothing(claims: BodyClaims, body: ByteStream): Promise<BodyDigests> {
  for await (const bytes of body) {
    if (bytes.length > 0) throw new StoreFault('IncompleteBody', { sizeBytes: bytes.length, expectedBytes: 0 })
  }
  return await startDigests(claims).finish()
}

interface StripeRun {
  partId: PartId
  geometry: PartGeometry
  claims: BodyClaims
  set: ChunkSet
  hashers: readonly ChunkHasher[]
  /** Set when the part is small enough for the cache. */
  bytes: Buffer | undefined
}

async function sendStripes(
  deps: EngineDeps,
  run: StripeRun,
  body: ByteStream,
  signal: AbortSignal,
): Promise<BodyDigests> {
  const { geometry, claims } = run
  using digests = startStripeDigests(deps.pool, run)
  using filler = new StripeFiller(deps, geometry)
  let receivedBytes = 0
  for await (const bytes of body) {
    receivedBytes += bytes.length
    if (receivedBytes > claims.sizeBytes) break
    for (let rest = bytes; rest.length > 0; ) {
      const { index } = filler
      rest = rest.subarray(await filler.fill(rest, signal))
      const full = await filler.takeFull(signal)
      if (!full) continue
      const isAll = full.filledBytes === geometry.sizeBytes
      if (isAll && deps.chunkCache.wantsWritten(geometry.sizeBytes)) run.bytes = copyOf(full)
      await sendStripe(run, full, index, digests)
    }
    filler.wait()
  }
  if (receivedBytes !== claims.sizeBytes) {
    throw new StoreFault('IncompleteBody', { sizeBytes: receivedBytes, expectedBytes: claims.sizeBytes })
  }
  return await digests.finish()
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
