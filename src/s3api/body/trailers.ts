import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'

/**
 * What x-amz-trailer announces: lower-case names, at most one checksum.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 * Fault: InvalidRequest (anything but a checksum that we know, or several).
 */
export function parseAnnouncedTrailers(header: string | undefined): readonly string[] {
  const names = (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  if (names.some((name) => !CHECKSUMS.has(name))) {
    throw new StoreFault('InvalidRequest', {
      reason: 'The value specified in the x-amz-trailer header is not supported',
    })
  }
  if (names.length > 1) {
    throw new StoreFault('InvalidRequest', {
      reason: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    })
  }
  return names
}

const CHECKSUMS = new Set([
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
])

const SIGNATURE = 'x-amz-trailer-signature'

/** Collects the lines behind the last frame: exactly what was announced, and where frames are signed their signature. */
export class TrailerReader {
  readonly #announced: readonly string[]
  readonly #found = new Map<string, string>()
  #bytes = 0
  /** A line that ended in a bare LF: minio-go puts one before the CRLF that ends its trailers. */
  #isAfterBareLf = false

  constructor(announced: readonly string[]) {
    this.#announced = announced
  }

  /**
   * One line without its LF; true when it was the empty one that ends the trailer. Faults: MalformedTrailerError,
   * IncompleteBody is the caller's.
   */
  readLine(line: string): boolean {
    this.#bytes += line.length + 1
    if (this.#bytes > limits.chunkedTrailerBytesMax) throw malformed('the trailer is too long')
    if (line === '\r') {
      const isEnd = !this.#isAfterBareLf
      this.#isAfterBareLf = false
      return isEnd
    }
    const hasCr = line.endsWith('\r')
    if (hasCr && this.#isAfterBareLf) throw malformed('a line does not end in CRLF')
    this.#isAfterBareLf = !hasCr
    this.#add(hasCr ? line.slice(0, -1) : line)
    return false
  }

  /** All that was announced has come, and a signature where `isSigned`. Fault: MalformedTrailerError. */
  finish(isSigned: boolean): { trailers: Record<string, string>; canonical: string; signature: string } {
    const signature = this.#found.get(SIGNATURE)
    if (isSigned !== (signature !== undefined)) throw malformed(`${SIGNATURE} is missing, or not expected`)
    this.#found.delete(SIGNATURE)
    for (const name of this.#announced) {
      if (!this.#found.has(name)) throw malformed(`${name} was announced in x-amz-trailer, and did not come`)
    }
    const sorted = [...this.#found].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      trailers: Object.fromEntries(sorted),
      canonical: sorted.map(([name, value]) => `${name}:${value}\n`).join(''),
      signature: signature ?? '',
    }
  }

  #add(line: string): void {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (!VALUE.test(value)) throw malformed('a line is not of the form name:value')
    if (this.#found.has(name)) throw malformed('a trailer comes twice')
    if (this.#found.has(SIGNATURE)) throw malformed(`${SIGNATURE} is not the last line`)
    if (name !== SIGNATURE && !this.#announced.includes(name))
      throw malformed('a trailer was not announced in x-amz-trailer')
    this.#found.set(name, value)
  }
}

/** Base64 or hex; nothing else is ever a trailer's value. */
const VALUE = /^[A-Za-z0-9+/=]{1,256}$/

function malformed(reason: string): StoreFault {
  return new StoreFault('MalformedTrailerError', { reason })
}
