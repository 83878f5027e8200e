import { createHash } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { chunkIdBytes, type PartId } from '../../src/base/ids.ts'
import { blockChecksum, chunkHasher, chunkSeed, chunkSeeds, verifyBlock } from '../../src/striping/checksum.ts'
import { PayloadVerifier } from '../../src/striping/payload-verifier.ts'

const PART = '0192f0c4-5d1e-7abc-8def-0123456789ab' as PartId
const OTHER = '0192f0c4-5d1e-7abc-8def-0123456789ac' as PartId

function stored(partId: PartId, chunk: number, index: number, block: Uint8Array): Buffer {
  const seed = chunkSeed(chunkIdBytes(partId, chunk))
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(blockChecksum(seed, index, block))
  return Buffer.concat([block, checksum])
}

function payload(blocks: readonly Uint8Array[], chunk = 3): Buffer {
  return Buffer.concat(blocks.map((block, index) => stored(PART, chunk, index, block)))
}

t.test('a checksum is the CRC-32 of chunk id, block index and block, as chunk.proto says', async () => {
  const blocks = fc.uint8Array({ minLength: 0, maxLength: 300 })
  fc.assert(
    fc.property(
      blocks,
      fc.integer({ min: 0, max: 11 }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      (block, chunk, index) => {
        const indexBytes = Buffer.alloc(4)
        indexBytes.writeUInt32LE(index)
        const message = Buffer.concat([chunkIdBytes(PART, chunk), indexBytes, block])
        return blockChecksum(chunkSeeds(PART, 12)[chunk]!, index, block) === zlibCrc32(message)
      },
    ),
  )
})

t.test('golden checksum, made by another implementation (zlib of Python)', async (t) => {
  t.equal(blockChecksum(chunkSeed(chunkIdBytes(PART, 7)), 258, Buffer.from('sextant')), 0xcfdee96e)
})

t.test('one flipped bit anywhere in block or checksum is found', async (t) => {
  const whole = stored(PART, 2, 9, Buffer.from(Array.from({ length: 130 }, (_, i) => (i * 37) & 0xff)))
  const verify = (index: number, bytes: Buffer) => verifyBlock(chunkSeeds(PART, 3)[2]!, index, bytes)
  t.ok(verify(9, whole))
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = Buffer.from(whole)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    if (verify(9, flipped)) t.fail(`bit ${bit}`)
  }
})

t.test('a whole block of another part, chunk or index does not match; nor one without bytes', async (t) => {
  const block = Buffer.from('the same bytes')
  const seed = chunkSeed(chunkIdBytes(PART, 2))
  t.ok(verifyBlock(seed, 9, stored(PART, 2, 9, block)))
  t.notOk(verifyBlock(seed, 9, stored(OTHER, 2, 9, block)))
  t.notOk(verifyBlock(seed, 9, stored(PART, 3, 9, block)))
  t.notOk(verifyBlock(seed, 9, stored(PART, 2, 8, block)))
  t.notOk(verifyBlock(seed, 9, stored(PART, 2, 9 + 2 ** 24, block)))
  t.notOk(verifyBlock(seed, 9, Buffer.alloc(0)))
  t.notOk(verifyBlock(seed, 9, stored(PART, 2, 9, Buffer.alloc(0))))
})

t.test('a chunk hash is SHA-256 over the checksums, however many', async (t) => {
  for (const count of [0, 1, 2, 4, 5, 511, 512, 513, 1024, 1025, 3000]) {
    const hasher = chunkHasher()
    const bytes = Buffer.alloc(count * 4)
    for (let i = 0; i < count; i++) {
      hasher.update((i * 2654435761) >>> 0)
      bytes.writeUInt32LE((i * 2654435761) >>> 0, i * 4)
    }
    t.same(hasher.digest(), createHash('sha256').update(bytes).digest(), `${count} checksums`)
  }
})

/** Blocks of B bytes and a shorter last one, and where their payload is cut into pieces. */
const streams = fc.record({
  blockBytes: fc.integer({ min: 1, max: 50 }),
  full: fc.integer({ min: 0, max: 5 }),
  last: fc.nat({ max: 49 }),
  seed: fc.nat({ max: 255 }),
  cuts: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 12 }),
})

function blocksOf({ blockBytes, full, last, seed }: { blockBytes: number; full: number; last: number; seed: number }) {
  const lengths = Array.from({ length: full }, () => blockBytes)
  if (last % blockBytes > 0) lengths.push(last % blockBytes)
  return lengths.map((length, i) => Buffer.from(Array.from({ length }, (_, j) => (seed + i * 7 + j * 13) & 0xff)))
}

function verdictOf(bytes: Buffer, blockBytes: number, cuts: readonly number[], chunk = 3) {
  const verifier = new PayloadVerifier({ chunkId: chunkIdBytes(PART, chunk), blockBytes })
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + cuts[i % cuts.length]!
    verifier.update(bytes.subarray(at, end))
    at = end
  }
  return verifier.finish()
}

t.test('PayloadVerifier: a whole payload in pieces of any size is intact, and its hash is the chunk hash', async () => {
  fc.assert(
    fc.property(streams, (s) => {
      const bytes = payload(blocksOf(s))
      const verdict = verdictOf(bytes, s.blockBytes, s.cuts)
      const hasher = chunkHasher()
      let at = 0
      for (const block of blocksOf(s)) {
        at += block.length + 4
        hasher.update(bytes.readUInt32LE(at - 4))
      }
      return (
        verdict.isIntact &&
        verdict.badBlock === undefined &&
        verdict.blocks === blocksOf(s).length &&
        verdict.payloadBytes === bytes.length &&
        verdict.chunkHash.equals(hasher.digest())
      )
    }),
    { numRuns: 1_000 },
  )
})

t.test('PayloadVerifier: a flipped bit is found in the block that has it', async () => {
  fc.assert(
    fc.property(streams, fc.nat(), (s, at) => {
      const bytes = payload(blocksOf(s))
      if (bytes.length === 0) return true
      const bit = at % (bytes.length * 8)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const verdict = verdictOf(bytes, s.blockBytes, s.cuts)
      return !verdict.isIntact && verdict.badBlock === Math.floor((bit >> 3) / (s.blockBytes + 4))
    }),
    { numRuns: 1_000 },
  )
})

t.test('PayloadVerifier: a payload that was cut off, moved or swapped is not intact', async (t) => {
  const blocks = [Buffer.alloc(10, 1), Buffer.alloc(10, 1), Buffer.alloc(4, 1)]
  const whole = payload(blocks)
  t.ok(verdictOf(whole, 10, [5]).isIntact)
  for (let length = 1; length < whole.length; length++) {
    const verdict = verdictOf(whole.subarray(0, length), 10, [7])
    t.equal(verdict.isIntact, length % 14 === 0, `cut at ${length}`)
  }
  t.notOk(verdictOf(whole, 10, [5], 4).isIntact, 'another chunk')
  t.notOk(verdictOf(Buffer.concat([whole.subarray(14, 28), whole.subarray(0, 14)]), 10, [5]).isIntact, 'swapped')
  t.notOk(verdictOf(Buffer.concat([whole, Buffer.alloc(1)]), 10, [5]).isIntact, 'one byte more')
  t.ok(verdictOf(Buffer.alloc(0), 10, [5]).isIntact, 'none')
})

t.test(
  'PayloadVerifier: names the first of several bad blocks; a block without bytes is bad, whatever its checksum',
  async (t) => {
    const bytes = payload([Buffer.alloc(10, 1), Buffer.alloc(10, 2), Buffer.alloc(10, 3)])
    bytes[20]! ^= 1
    bytes[30]! ^= 1
    t.equal(verdictOf(bytes, 10, [5]).badBlock, 1)
    t.notOk(verdictOf(payload([Buffer.alloc(10, 1), Buffer.alloc(0)]), 10, [5]).isIntact)
  },
)

t.test('PayloadVerifier: update says at once when a block is bad', async (t) => {
  const bytes = payload([Buffer.alloc(10, 1), Buffer.alloc(10, 2)])
  bytes[3]! ^= 1
  const verifier = new PayloadVerifier({ chunkId: chunkIdBytes(PART, 3), blockBytes: 10 })
  t.ok(verifier.update(bytes.subarray(0, 13)))
  t.notOk(verifier.update(bytes.subarray(13, 14)))
  t.notOk(verifier.update(bytes.subarray(14)))
})
