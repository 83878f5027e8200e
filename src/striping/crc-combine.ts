import { assert } from '../base/faults.ts'
import type { PartId } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { blockSeed, chunkSeeds } from './checksum.ts'

/** The checksums of S3 that can be had of a whole object from those of its parts (checksum type FULL_OBJECT). */
export type CrcName = 'CRC32' | 'CRC32C' | 'CRC64NVME'

/**
 * The CRC of A ‖ B, from those of A and B (big endian, as S3 shows them in base64: 4 bytes, 8 for CRC64NVME) and the
 * length of B in bytes. Costs under a microsecond while lengths repeat, as those of parts do.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export function combineCrc(name: CrcName, a: Uint8Array, b: Uint8Array, bytesB: number): Buffer {
  const field = fields[name]
  assert(a.length === field.bytes && b.length === field.bytes, `a ${name} has ${field.bytes} bytes`)
  const moved = multiply(field, readWord(a), shiftOf(field, bytesB))
  const added = readWord(b)
  return writeWord({ high: moved.high ^ added.high, low: moved.low ^ added.low }, field.bytes)
}

/** The CRC-32 of A ‖ B, from those of A and B and the length of B in bytes. */
export function combineCrc32(a: number, b: number, bytesB: number): number {
  return (shiftCrc32(a, bytesB) ^ b) >>> 0
}

/**
 * The plain CRC-32 of a block, from its checksum: takes out the seed (checksum.ts: blockSeed) that it began with.
 * `blockBytes`: the block's length, which must not be another than was hashed.
 */
export function plainCrc32(checksum: number, seed: number, blockBytes: number): number {
  return (checksum ^ shiftCrc32(seed, blockBytes)) >>> 0
}

/**
 * The plain CRC-32 of the bytes of one stripe, padding left out, from its block checksums: so that the CRC-32 of a body
 * need not be computed beside them. `checksums`: those of the six data blocks, at least.
 */
export function stripeCrc32(
  stripe: { partId: PartId; index: number; stripeBytes: number },
  checksums: readonly number[],
): number {
  const blockBytes = Math.ceil(stripe.stripeBytes / DATA_CHUNKS)
  const padded = chunkSeeds(stripe.partId, DATA_CHUNKS).reduce((crc, seed, chunk) => {
    const block = plainCrc32(checksums[chunk]!, blockSeed(seed, stripe.index), blockBytes)
    return combineCrc32(crc, block, blockBytes)
  }, 0)
  const padding = DATA_CHUNKS * blockBytes - stripe.stripeBytes
  return padding === 0 ? padded : dropZeros(padded, padding)
}

/**
 * The CRC-32 of A, from that of A ‖ `zeros` zero bytes. The polynomial is primitive: x^(2^32 - 1) = 1, so moving on by
 * the rest of that round moves back.
 */
function dropZeros(crc: number, zeros: number): number {
  const { CRC32 } = fields
  const back = powerOfX(CRC32, 2 ** 32 - 1 - 8 * zeros)
  return ~multiply(CRC32, { high: 0, low: ~crc >>> 0 }, back).low >>> 0
}

function shiftCrc32(crc: number, bytes: number): number {
  return multiply(fields.CRC32, { high: 0, low: crc }, shiftOf(fields.CRC32, bytes)).low
}

/**
 * A polynomial over GF(2), bits reflected as in the CRC: the highest bit is the coefficient of x^0. CRCs of 32 bits are
 * all in `low`. Both halves unsigned: two numbers, for a BigInt costs fifty times as much.
 */
interface Word {
  readonly high: number
  readonly low: number
}

interface Field {
  readonly bytes: 4 | 8
  /** The reflected polynomial. */
  readonly polynomial: Word
  /** The polynomial 1. */
  readonly one: Word
  /** x^(2^i). */
  readonly squares: Word[]
  /** x^(8 × bytes) by number of bytes, the last few asked for. */
  readonly shifts: Map<number, Word>
}
const SHIFTS_MAX = 8

const fields: Readonly<Record<CrcName, Field>> = {
  CRC32: field(4, { high: 0, low: 0xedb88320 }),
  CRC32C: field(4, { high: 0, low: 0x82f63b78 }),
  CRC64NVME: field(8, { high: 0x9a6c9329, low: 0xac4bc9b5 }),
}

function field(bytes: 4 | 8, polynomial: Word): Field {
  const narrow = bytes === 4
  const one = narrow ? { high: 0, low: 0x8000_0000 } : { high: 0x8000_0000, low: 0 }
  const x = narrow ? { high: 0, low: 0x4000_0000 } : { high: 0x4000_0000, low: 0 }
  return { bytes, polynomial, one, squares: [x], shifts: new Map() }
}

/** What a CRC is multiplied by when `bytes` more bytes follow: x^(8 × bytes). Lengths come again and again. */
function shiftOf(f: Field, bytes: number): Word {
  let shift = f.shifts.get(bytes)
  if (!shift) {
    assert(Number.isSafeInteger(bytes * 8) && bytes >= 0, 'a length in bytes')
    if (f.shifts.size >= SHIFTS_MAX) f.shifts.delete(f.shifts.keys().next().value!)
    shift = powerOfX(f, bytes * 8)
    f.shifts.set(bytes, shift)
  }
  return shift
}

function powerOfX(f: Field, exponent: number): Word {
  let product = f.one
  for (let i = 0, rest = exponent; rest > 0; i++, rest = Math.floor(rest / 2)) {
    if (i === f.squares.length) f.squares.push(multiply(f, f.squares[i - 1]!, f.squares[i - 1]!))
    if (rest % 2 === 1) product = multiply(f, product, f.squares[i]!)
  }
  return product
}

/** a × b modulo the polynomial: adds b × x^i for each coefficient x^i of a. */
function multiply(f: Field, a: Word, b: Word): Word {
  return f.bytes === 4 ? { high: 0, low: multiply32(f.polynomial.low, a.low, b.low) } : multiply64(f.polynomial, a, b)
}

function multiply32(polynomial: number, a: number, b: number): number {
  let sum = 0
  for (let rest = a | 0, term = b | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) sum ^= term
    term = term & 1 ? (term >>> 1) ^ polynomial : term >>> 1
  }
  return sum >>> 0
}

function multiply64(polynomial: Word, a: Word, b: Word): Word {
  let high = 0
  let low = 0
  let termHigh = b.high
  let termLow = b.low
  for (let i = 0; i < 64; i++) {
    const bit = i < 32 ? (a.high << i) & 0x8000_0000 : (a.low << (i - 32)) & 0x8000_0000
    if (bit) {
      high ^= termHigh
      low ^= termLow
    }
    const carry = termLow & 1
    termLow = (termLow >>> 1) | (termHigh << 31)
    termHigh >>>= 1
    if (carry) {
      termHigh ^= polynomial.high
      termLow ^= polynomial.low
    }
  }
  return { high: high >>> 0, low: low >>> 0 }
}

function readWord(bytes: Uint8Array): Word {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return bytes.length === 4 ? { high: 0, low: view.getUint32(0) } : { high: view.getUint32(0), low: view.getUint32(4) }
}

function writeWord({ high, low }: Word, bytes: 4 | 8): Buffer {
  const target = Buffer.alloc(bytes)
  target.writeUInt32BE(low >>> 0, bytes - 4)
  if (bytes === 8) target.writeUInt32BE(high >>> 0, 0)
  return target
}
