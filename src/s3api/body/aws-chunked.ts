import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import type { ChunkSigning } from '../auth/payload-mode.ts'
import { FrameVerifier } from './frame-verifier.ts'
import { TrailerReader } from './trailers.ts'

export interface AwsChunkedForm {
  /** x-amz-decoded-content-length. */
  decodedBytes: number
  signed: ChunkSigning | undefined
  hasTrailer: boolean
  /** Lower-case names. */
  announcedTrailers: readonly string[]
}

/**
 * Takes aws-chunked coding off, piece by piece as it comes, however it is cut; yields parts of the pieces, uncopied.
 *
 *     frame   = hex-size [";chunk-signature=" 64 hex] CRLF bytes CRLF
 *     body    = *frame "0" [";chunk-signature=" 64 hex] CRLF *(name ":" value CRLF) CRLF
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 *
 * On the hot path of every upload: one pass, no copy, and state in a few fields. Like S3, it calls every break of the
 * form IncompleteBody. Bytes of a signed frame are yielded before its signature is known: they count only when `finish`
 * has returned.
 */
export class AwsChunkedDecoder {
  readonly #form: AwsChunkedForm
  readonly #verifier: FrameVerifier | undefined
  readonly #trailer: TrailerReader
  #state: 'header' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'done' = 'header'
  /** The start of a line whose end has not come yet, as Latin-1. */
  #line = ''
  #frameBytesLeft = 0
  #frameSignature = ''
  #decodedBytes = 0
  #trailers: Readonly<Record<string, string>> = {}

  constructor(form: AwsChunkedForm) {
    this.#form = form
    this.#verifier = form.signed && new FrameVerifier(form.signed)
    this.#trailer = new TrailerReader(form.announcedTrailers)
  }

  /** By lower-case name; empty until `finish`. */
  get trailers(): Readonly<Record<string, string>> {
    return this.#trailers
  }

  /** Faults: IncompleteBody, SignatureDoesNotMatch, MalformedTrailerError. */
  *decode(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    let at = 0
    while (at < piece.length) {
      if (this.#state === 'data') {
        const bytes = piece.subarray(at, at + this.#frameBytesLeft)
        at += bytes.length
        this.#takeData(bytes)
        yield bytes
      } else if (this.#state === 'header' || this.#state === 'trailer') at = this.#takeLine(piece, at)
      else this.#takeByte(piece[at++] as number)
    }
  }

  /** The body has ended: throws IncompleteBody unless it was whole. */
  finish(): void {
    if (this.#state !== 'done') throw this.#broken()
  }

  #takeData(bytes: Uint8Array): void {
    this.#frameBytesLeft -= bytes.length
    this.#decodedBytes += bytes.length
    const isLast = this.#frameBytesLeft === 0
    this.#verifier?.update(bytes, isLast)
    if (!isLast) return
    this.#verifier?.endFrame(this.#frameSignature)
    this.#state = 'data-cr'
  }

  /** The CRLF behind a frame's bytes; behind the whole body there is nothing. */
  #takeByte(byte: number): void {
    if (this.#state === 'data-cr' && byte === CR) this.#state = 'data-lf'
    else if (this.#state === 'data-lf' && byte === LF) this.#state = 'header'
    else throw this.#broken()
  }

  /** Returns where the next line begins, or the piece's end. */
  #takeLine(piece: Uint8Array, at: number): number {
    const lf = piece.indexOf(LF, at)
    const end = lf < 0 ? piece.length : lf
    if (this.#line.length + end - at > limits.chunkedFrameHeaderBytesMax) throw this.#broken()
    this.#line += latin1(piece, at, end)
    if (lf < 0) return end
    const line = this.#line
    this.#line = ''
    if (this.#state === 'header') this.#startFrame(line)
    else if (this.#form.hasTrailer) this.#takeTrailer(line)
    else if (line === '\r') this.#state = 'done'
    else throw this.#broken()
    return lf + 1
  }

  #startFrame(line: string): void {
    const found = (this.#verifier ? SIGNED_HEADER : HEADER).exec(line)
    if (found === null) throw this.#broken()
    const bytes = Number.parseInt(found[1] as string, 16)
    const left = this.#form.decodedBytes - this.#decodedBytes
    if (bytes > left || (bytes === 0 && left > 0)) throw this.#broken(bytes)
    this.#frameSignature = found[2] ?? ''
    this.#frameBytesLeft = bytes
    if (bytes > 0) {
      this.#state = 'data'
      return
    }
    this.#verifier?.endFrame(this.#frameSignature)
    this.#state = 'trailer'
  }

  #takeTrailer(line: string): void {
    if (!this.#trailer.readLine(line)) return
    const { trailers, canonical, signature } = this.#trailer.finish(this.#verifier !== undefined)
    this.#verifier?.endTrailer(canonical, signature)
    this.#trailers = trailers
    this.#state = 'done'
  }

  #broken(moreBytes = 0): StoreFault {
    return new StoreFault('IncompleteBody', {
      sizeBytes: this.#decodedBytes + moreBytes,
      expectedBytes: this.#form.decodedBytes,
    })
  }
}

function latin1(piece: Uint8Array, start: number, end: number): string {
  return Buffer.from(piece.buffer, piece.byteOffset + start, end - start).toString('latin1')
}

const CR = 0x0d
const LF = 0x0a
/** 16 digits hold any 64-bit size; what exceeds the declared length is refused anyway. */
const HEADER = /^([0-9a-fA-F]{1,16})\r$/
const SIGNED_HEADER = /^([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})\r$/
