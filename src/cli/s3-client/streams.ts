import { Readable } from 'node:stream'
import type { ChecksumAlgorithm } from '../../base/model.ts'
import { startChecksum } from '../../engine/digests.ts'
import { checksumHeader } from '../../s3api/checksums/algorithms.ts'
import type { StreamedBody } from './endpoint.ts'
import { noAnswer } from './s3-failure.ts'

/** Reads a body in pieces of its own choosing; tells of every byte that it hands on. */
export class BodyReader implements Disposable {
  readonly #body: Readable
  readonly #from: string
  readonly #onBytes: (bytes: Buffer) => void
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  /** `from`: whose body it is, for the failure that its end before its time is. */
  constructor(body: Readable, from: string, onBytes: (bytes: Buffer) => void) {
    this.#body = body
    this.#from = from
    this.#onBytes = onBytes
    this.#pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** The next bytes, as they come: as many, or up to the end. */
  async *take(sizeBytes: number): AsyncGenerator<Buffer> {
    for (let left = sizeBytes; left > 0; ) {
      const piece = this.#rest.length > 0 ? this.#rest : await this.#next()
      if (piece === undefined) return
      const taken = piece.subarray(0, left)
      this.#rest = piece.subarray(taken.length)
      left -= taken.length
      this.#onBytes(taken)
      yield taken
    }
  }

  [Symbol.dispose](): void {
    this.#body.destroy()
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.#pieces.next()
      return done ? undefined : value
    } catch (error) {
      throw noAnswer(this.#from, error)
    }
  }
}

/** As a request's body, unsigned: what it must be, its headers say. */
export function plainBody(bytes: AsyncIterable<Buffer> | Iterable<Buffer>, sizeBytes: number): StreamedBody {
  return { bytes: asStream(bytes), sizeBytes, contentSha256: 'UNSIGNED-PAYLOAD' }
}

const FRAME_BYTES = 64 * 1024

/**
 * As a request's body with a checksum behind it, so that at least nothing is changed on the way from here. Its headers are
 * `trailerHeaders`. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function trailedBody(
  bytes: AsyncIterable<Buffer>,
  sizeBytes: number,
  algorithm: ChecksumAlgorithm,
): StreamedBody {
  const whole = Math.floor(sizeBytes / FRAME_BYTES)
  const rest = sizeBytes % FRAME_BYTES
  const framed = whole * framedBytes(FRAME_BYTES) + (rest > 0 ? framedBytes(rest) : 0)
  const end = lastFrame(algorithm, startChecksum(algorithm).digest())
  return {
    bytes: asStream(frames(bytes, algorithm)),
    sizeBytes: framed + end.length,
    contentSha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  }
}

export function trailerHeaders(sizeBytes: number, algorithm: ChecksumAlgorithm): Record<string, string> {
  return {
    'content-encoding': 'aws-chunked',
    'x-amz-trailer': checksumHeader(algorithm),
    'x-amz-decoded-content-length': String(sizeBytes),
  }
}

async function* frames(bytes: AsyncIterable<Buffer>, algorithm: ChecksumAlgorithm): AsyncGenerator<Buffer> {
  const checksum = startChecksum(algorithm)
  let held: Buffer[] = []
  let heldBytes = 0
  const frame = (size: number) => {
    const all = Buffer.concat(held)
    const content = all.subarray(0, size)
    held = [all.subarray(size)]
    heldBytes = all.length - size
    checksum.update(content)
    return Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), content, Buffer.from('\r\n')])
  }
  for await (const piece of bytes) {
    held.push(piece)
    heldBytes += piece.length
    while (heldBytes >= FRAME_BYTES) yield frame(FRAME_BYTES)
  }
  if (heldBytes > 0) yield frame(heldBytes)
  yield lastFrame(algorithm, checksum.digest())
}

function lastFrame(algorithm: ChecksumAlgorithm, digest: Buffer): Buffer {
  return Buffer.from(`0\r\n${checksumHeader(algorithm)}:${digest.toString('base64')}\r\n\r\n`)
}

function framedBytes(size: number): number {
  return size.toString(16).length + 4 + size
}

/** One piece ahead: bodies are many, and their pieces up to 64 KiB. */
function asStream(bytes: AsyncIterable<Buffer> | Iterable<Buffer>): Readable {
  return Readable.from(bytes, { highWaterMark: 1 })
}
