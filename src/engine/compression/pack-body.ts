import { StoreFault } from '../../base/faults.ts'
import { GrowingBuffer } from '../../base/growing-buffer.ts'
import { type RunningDigests, startDigests } from '../digests.ts'
import type { BodyClaims, ByteStream } from '../engine.ts'
import { type Compression, FRAMES_HELD } from './compression.ts'
import { encodeEntry, encodeHead, FRAME_BYTES, HEAD_BYTES, storedBytesMax, tableBytes } from './frame-format.ts'
import { FramePacker, lengthOf } from './frame-packer.ts'

/** Below this there is nothing to gain: what its chunks say of themselves takes as much. */
const PLAIN_BYTES_MIN = 1024

/** Disposed, the body that it was made of ends. */
export interface PackedBody extends AsyncDisposable {
  body: ByteStream
  /** Of that body. */
  claims: BodyClaims
  /** Absent: it is as it came. */
  packing?: Packing
}

/** Of what the client sent: so far, and at the end of the body all of it. */
export interface Packing {
  plainBytes: number
  digests: RunningDigests
}

export interface PackOrder {
  /** Of what the client sends. */
  claims: BodyClaims
  /** Where it is not the MD5. */
  etag: string | undefined
}

/**
 * Compresses a body as it comes, in frames, if its first one is worth it: media, archives and what clients have encrypted
 * are told by that, and are stored as if nothing had been asked for. Memory: FRAMES_HELD
 * frames; where that is not to be had, too.
 */
export async function packBody(
  { writing, zstd }: Compression,
  { claims, etag }: PackOrder,
  body: ByteStream,
  signal: AbortSignal,
): Promise<PackedBody> {
  const frameBytes = Math.min(claims.sizeBytes, FRAME_BYTES)
  if (frameBytes < PLAIN_BYTES_MIN || !writing.tryTake(FRAMES_HELD * frameBytes)) return asItComes(body, claims)
  await using opened = new AsyncDisposableStack()
  opened.defer(() => writing.give(FRAMES_HELD * frameBytes))
  const cut = { memory: Buffer.allocUnsafeSlow(frameBytes), isOver: false }
  const frames = opened.adopt(cutIntoFrames(body, cut), async (running) => void (await running.return(undefined)))
  const packer = new FramePacker(zstd, signal)
  const { value: first } = await frames.next()
  const packed = first && (await packer.pack(first))
  const owned = opened.move()
  const packedBody = { [Symbol.asyncDispose]: () => owned.disposeAsync() }
  if (!first || !packed) {
    cut.isOver = true
    return { ...packedBody, claims, body: inOrder(first, frames) }
  }
  const packing = { plainBytes: 0, digests: startDigests(claims, etag) }
  const run = { frames, packer, packing, claims }
  return { ...packedBody, claims: claimsOfPacked(claims, first, packed), packing, body: packFrames(run, first, packed) }
}

export function asItComes(body: ByteStream, claims: BodyClaims): PackedBody {
  return { body, claims, async [Symbol.asyncDispose]() {} }
}

interface Cut {
  memory: Buffer
  /** From the next piece on, pieces go by as they come. */
  isOver: boolean
}

/** Each is good until the next one is asked for. */
async function* cutIntoFrames(body: ByteStream, cut: Cut): AsyncGenerator<Uint8Array, undefined> {
  const { memory } = cut
  let filled = 0
  for await (const piece of body) {
    for (let rest = piece; rest.length > 0; ) {
      if (cut.isOver) {
        yield rest
        break
      }
      const taken = rest.subarray(0, memory.length - filled)
      memory.set(taken, filled)
      filled += taken.length
      rest = rest.subarray(taken.length)
      if (filled < memory.length) continue
      filled = 0
      yield memory
    }
  }
  if (filled > 0) yield memory.subarray(0, filled)
  return undefined
}

async function* inOrder(first: Uint8Array | undefined, rest: ByteStream): ByteStream {
  if (first) yield first
  yield* rest
}

/** Only of a single frame is it known how long it will be. */
function claimsOfPacked(
  { sizeBytes, mayBeShorter }: BodyClaims,
  first: Uint8Array,
  packed: readonly Buffer[],
): BodyClaims {
  const unchecked = { md5: undefined, checksum: undefined }
  if (first.length === sizeBytes && !mayBeShorter) return { ...unchecked, sizeBytes: HEAD_BYTES + lengthOf(packed) }
  return { ...unchecked, sizeBytes: storedBytesMax(sizeBytes), mayBeShorter: true }
}

interface PackRun {
  frames: ByteStream
  packer: FramePacker
  packing: Packing
  /** Of what the client sends. */
  claims: BodyClaims
}

/** Fault: IncompleteBody. */
async function* packFrames(run: PackRun, first: Uint8Array, firstPacked: readonly Buffer[]): ByteStream {
  const { frames, packer, packing, claims } = run
  const table = new GrowingBuffer(tableBytes(claims.sizeBytes))
  let storedBytes = 0
  for await (const frame of inOrder(first, frames)) {
    packing.plainBytes += frame.length
    if (packing.plainBytes > claims.sizeBytes) throw incomplete(run)
    const underWay = storedBytes === 0 ? firstPacked : packer.pack(frame)
    // While another thread compresses it.
    packing.digests.update(frame)
    const packed = await underWay
    if (storedBytes > 0) table.append(encodeEntry(storedBytes))
    const lengthBytes = packed ? lengthOf(packed) : frame.length
    yield encodeHead({ isCompressed: packed !== undefined, lengthBytes })
    if (packed) yield* packed
    else yield frame
    storedBytes += HEAD_BYTES + lengthBytes
  }
  if (packing.plainBytes < claims.sizeBytes && !claims.mayBeShorter) throw incomplete(run)
  if (table.length > 0) yield table.bytes
}

function incomplete({ packing: { plainBytes }, claims }: PackRun): StoreFault {
  return new StoreFault('IncompleteBody', { sizeBytes: plainBytes, expectedBytes: claims.sizeBytes })
}
