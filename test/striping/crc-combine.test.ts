import { Crc64Nvme } from '@aws-sdk/crc64-nvme'
import { crc32, crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import t from 'tap'
import type { PartId } from '../../src/base/ids.ts'
import { blockChecksum, blockSeed, chunkSeeds } from '../../src/striping/checksum.ts'
import { type CrcName, combineCrc, combineCrc32, plainCrc32, stripeCrc32 } from '../../src/striping/crc-combine.ts'

const PART = '0192f0c4-5d1e-7abc-8def-0123456789ab' as PartId
const NAMES: readonly CrcName[] = ['CRC32', 'CRC32C', 'CRC64NVME']
const bytes = fc.uint8Array({ minLength: 0, maxLength: 2_000 })

async function direct(name: CrcName, data: Uint8Array): Promise<Buffer> {
  if (name === 'CRC64NVME') {
    const crc = new Crc64Nvme()
    crc.update(data)
    return Buffer.from(await crc.digest())
  }
  const digest = Buffer.alloc(4)
  digest.writeUInt32BE((name === 'CRC32' ? crc32 : crc32c)(data))
  return digest
}

t.test('combineCrc: equals the CRC of the whole, for any cut and algorithm', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...NAMES), fc.array(bytes, { maxLength: 5 }), async (name, parts) => {
      let sum = await direct(name, new Uint8Array(0))
      for (const part of parts) sum = combineCrc(name, sum, await direct(name, part), part.length)
      return sum.equals(await direct(name, Buffer.concat(parts)))
    }),
  )
})

t.test('combineCrc: known values, one part of 5 GiB of zeros behind "123456789"', async (t) => {
  const zeros = Buffer.alloc(2 ** 20)
  for (const name of NAMES) {
    // Zeros by doubling, checked at 1 MiB against the CRC itself.
    let crc = await direct(name, zeros.subarray(0, 5))
    for (let length = 5; length < 5 * 2 ** 30; length *= 2) {
      if (length === 5 * 2 ** 17) t.same(crc, await direct(name, zeros.subarray(0, length)), `${name}: 640 KiB`)
      crc = combineCrc(name, crc, crc, length)
    }
    const check = await direct(name, Buffer.from('123456789'))
    t.equal(check.toString('hex'), { CRC32: 'cbf43926', CRC32C: 'e3069283', CRC64NVME: 'ae8b14860a799888' }[name])
    const there = combineCrc(name, check, crc, 5 * 2 ** 30)
    // Combining is associative: the same by two halves.
    const half = await direct(name, zeros.subarray(0, 5))
    let halves = half
    for (let length = 5; length < 5 * 2 ** 29; length *= 2) halves = combineCrc(name, halves, halves, length)
    t.same(combineCrc(name, combineCrc(name, check, halves, 5 * 2 ** 29), halves, 5 * 2 ** 29), there, `${name}: 5 GiB`)
  }
})

t.test('combineCrc: a CRC of another width is refused', async (t) => {
  t.throws(() => combineCrc('CRC64NVME', Buffer.alloc(4), Buffer.alloc(8), 1), /8 bytes/)
  t.throws(() => combineCrc('CRC32', Buffer.alloc(4), Buffer.alloc(8), 1), /4 bytes/)
  t.throws(() => combineCrc('CRC32', Buffer.alloc(4), Buffer.alloc(4), -1), /a length/)
})

t.test('plainCrc32: takes the seed out of a block checksum', async () => {
  fc.assert(
    fc.property(bytes, fc.nat({ max: 5 }), fc.nat({ max: 0xffff_ffff }), (block, chunk, index) => {
      const seed = chunkSeeds(PART, 6)[chunk]!
      const checksum = blockChecksum(seed, index, block)
      return plainCrc32(checksum, blockSeed(seed, index), block.length) === crc32(block)
    }),
  )
})

t.test('stripeCrc32: the plain CRC-32 of a body from its block checksums, padding left out', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 700 }),
      fc.integer({ min: 1, max: 30 }),
      (body, blockBytes) => {
        let crc = 0
        for (let index = 0, at = 0; at < body.length; index++, at += 6 * blockBytes) {
          const stripe = body.subarray(at, at + 6 * blockBytes)
          const length = Math.ceil(stripe.length / 6)
          const padded = Buffer.alloc(6 * length)
          padded.set(stripe)
          const checksums = chunkSeeds(PART, 6).map((seed, i) =>
            blockChecksum(seed, index, padded.subarray(i * length, (i + 1) * length)),
          )
          const plain = stripeCrc32({ partId: PART, index, stripeBytes: stripe.length }, checksums)
          crc = combineCrc32(crc, plain, stripe.length)
        }
        return crc === crc32(body)
      },
    ),
    { numRuns: 500 },
  )
})
