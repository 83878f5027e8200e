import { StoreFault } from '../../base/faults.ts'
import type { ByteStream } from '../../engine/engine.ts'
import { decodeUtf8OrLatin1, dispositionOf } from './content-disposition.ts'

/** One part of a form, up to its content. */
export interface FormPart {
  name: string
  /** Where it is said to be a file. */
  filename: string | undefined
}

/** A part's own headers: its name, the file's name (1,024 bytes in S3), its type. */
const HEAD_BYTES_MAX = 8 * 1024
/** Before the first part: nothing that any client sends. */
const PREAMBLE_BYTES_MAX = 1024
/** White space behind a boundary (RFC 2046): nobody sends any. */
const PADDING_BYTES_MAX = 64
const CR = 0x0d

/**
 * The parts of a multipart/form-data body (RFC 7578), one after the other, as they come: whoever reads slowly is sent
 * slowly, and no more is held than one piece of the body and the beginning of a boundary. A part's content has to be read
 * before the next part is asked for. Faults: MalformedPOSTRequest, and those of the body.
 */
export class MultipartReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #delimiter: Buffer
  /** What came and was not taken yet. A line end before the first boundary may be left out. */
  #held: Buffer = Buffer.from('\r\n')
  #isBegun = false
  /** Of the body: all that was taken out of it so far. */
  bytesTaken = -2

  constructor(body: ByteStream, boundary: string) {
    this.#pieces = body[Symbol.asyncIterator]()
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  }

  /** What ends a body at the least, behind the content of its last part. */
  get endBytes(): number {
    return this.#delimiter.length + 2
  }

  /** Undefined: there are no more. */
  async nextPart(): Promise<FormPart | undefined> {
    if (!this.#isBegun) await this.text(PREAMBLE_BYTES_MAX)
    this.#isBegun = true
    while (this.#held.length < 2) await this.#more()
    if (this.#held.subarray(0, 2).toString('latin1') === '--') return undefined
    const padding = await this.#takeUntil('\r\n', PADDING_BYTES_MAX)
    if (padding.toString('latin1').trim() !== '') throw malformed()
    // The empty line may follow at once: then there are no headers.
    const head = await this.#takeHead()
    const disposition = dispositionOf(head)
    if (disposition === undefined) throw malformed()
    return disposition
  }

  /** The content of the part, as it comes. */
  async *content(): ByteStream {
    const delimiter = this.#delimiter
    for (;;) {
      const at = this.#held.indexOf(delimiter)
      const sureBytes = at >= 0 ? at : this.#held.length - this.#beginningBytes()
      if (sureBytes > 0) yield this.#take(sureBytes)
      if (at >= 0) {
        this.#take(delimiter.length)
        return
      }
      await this.#more()
    }
  }

  /** The content of the part as a text of at most so many bytes. Fault: MaxPostPreDataLengthExceeded. */
  async text(bytesMax: number): Promise<string> {
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of this.content()) {
      length += piece.length
      if (length > bytesMax) throw new StoreFault('MaxPostPreDataLengthExceeded', {})
      pieces.push(piece)
    }
    return decodeUtf8OrLatin1(Buffer.concat(pieces))
  }

  async #takeHead(): Promise<string> {
    if (this.#held.length < 2) await this.#more()
    if (this.#held.subarray(0, 2).toString('latin1') === '\r\n') throw malformed()
    return decodeUtf8OrLatin1(await this.#takeUntil('\r\n\r\n', HEAD_BYTES_MAX))
  }

  /** Up to `end`, which is taken too and left out. */
  async #takeUntil(end: string, bytesMax: number): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(end, 0, 'latin1')
      if (at > bytesMax || (at < 0 && this.#held.length > bytesMax + end.length)) throw malformed()
      if (at >= 0) {
        const taken = this.#take(at)
        this.#take(end.length)
        return taken
      }
      await this.#more()
    }
  }

  /** How many of the last bytes held may be the beginning of a delimiter: it has one CR, its first byte. */
  #beginningBytes(): number {
    const last = this.#held.lastIndexOf(CR)
    const bytes = last < 0 ? 0 : this.#held.length - last
    if (bytes === 0 || bytes >= this.#delimiter.length) return 0
    return this.#held.subarray(last).equals(this.#delimiter.subarray(0, bytes)) ? bytes : 0
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(bytes)
    this.bytesTaken += bytes
    return taken
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#pieces.next()
    if (done) throw malformed()
    const piece = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
  }
}

function malformed(): StoreFault {
  return new StoreFault('MalformedPOSTRequest', {})
}
