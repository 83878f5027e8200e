import { createReadBuffer, type ReadBuffer } from './read-buffer.ts'

export interface TarEntry {
  path: string
  kind: 'file' | 'directory' | 'other'
  sizeBytes: number
  /** The file's bytes; what is not read of them is passed over. */
  body: AsyncIterable<Buffer>
}

const BLOCK = 512

/**
 * The entries of a tar archive as PostgreSQL writes them: ustar, names of up to 100 bytes, sizes in octal or, from 8 GiB
 * on, in base 256. https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
export async function* readTar(bytes: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  const source = createReadBuffer(bytes)
  for (;;) {
    const header = await source.take(BLOCK)
    if (!header) throw new Error('the archive ends in the middle')
    if (header.every((byte) => byte === 0)) return await drain(source)
    checkSum(header)
    const sizeBytes = numberAt(header, 124, 12)
    const body = new Body(source, sizeBytes)
    yield { path: textAt(header, 0, 100), kind: kindOf(header[156]!), sizeBytes, body }
    for await (const _ of body);
    await source.take((BLOCK - (sizeBytes % BLOCK)) % BLOCK)
  }
}

/** To the end, so that whoever decompresses sees the end too, and checks it. */
async function drain(source: ReadBuffer): Promise<void> {
  while (await source.some(BLOCK));
}

class Body implements AsyncIterable<Buffer> {
  readonly #source: ReadBuffer
  #leftBytes: number

  constructor(source: ReadBuffer, sizeBytes: number) {
    this.#source = source
    this.#leftBytes = sizeBytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    while (this.#leftBytes > 0) {
      const piece = await this.#source.some(this.#leftBytes)
      if (!piece) throw new Error('the archive ends in the middle of a file')
      this.#leftBytes -= piece.length
      yield piece
    }
  }
}

/** The sum of the header's bytes, its own field counted as spaces. */
function checkSum(header: Buffer): void {
  const given = numberAt(header, 148, 8)
  let sum = 0
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  if (sum !== given) throw new Error('the archive is damaged: a header does not match its checksum')
}

function textAt(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}

function numberAt(header: Buffer, start: number, length: number): number {
  if ((header[start]! & 0x80) !== 0) return header.readUIntBE(start + length - 6, 6)
  const text = textAt(header, start, length).trim()
  const value = Number.parseInt(text, 8)
  if (!/^[0-7]+$/.test(text)) throw new Error('the archive is damaged: a number is not octal')
  return value
}

function kindOf(flag: number): TarEntry['kind'] {
  if (flag === 0x30 || flag === 0) return 'file'
  return flag === 0x35 ? 'directory' : 'other'
}
