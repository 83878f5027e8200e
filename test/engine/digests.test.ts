import { createHash, hash } from 'node:crypto'
import { Crc64Nvme } from '@aws-sdk/crc64-nvme'
import { crc32, crc32c } from '@node-rs/crc32'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import type { ChecksumAlgorithm } from '../../src/base/model.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import type { BodyDigests } from '../../src/engine/digests.ts'
import type { BodyClaims } from '../../src/engine/engine.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

const STRIPE = 6 * 4096
const forever = new AbortController().signal
const sizes = [0, 1, 4096, 16_383, 16_384, 16_385, STRIPE, STRIPE + 1, 2 * STRIPE + 5, 5 * STRIPE + 4711, 20 * STRIPE]

/** As S3 shows them, of a whole body, by other means than the store's. */
async function checksumOf(algorithm: ChecksumAlgorithm, body: Buffer): Promise<string> {
  const bigEndian = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes.toString('base64')
  }
  if (algorithm === 'CRC32') return bigEndian(crc32(body))
  if (algorithm === 'CRC32C') return bigEndian(crc32c(body))
  if (algorithm !== 'CRC64NVME') return createHash(algorithm.toLowerCase()).update(body).digest('base64')
  const crc = new Crc64Nvme()
  crc.update(body)
  return Buffer.from(await crc.digest()).toString('base64')
}

async function write(deps: EngineDeps, body: Buffer, claims: Omit<BodyClaims, 'sizeBytes'>): Promise<BodyDigests> {
  const order = { claims: { ...claims, sizeBytes: body.length }, label }
  await using draft = await writePart(deps, order, inPieces(body, 5000), forever)
  return draft.digests
}

t.test('MD5 and every checksum, of bodies of any size, several at once', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
    const bodies = sizes.map((size, i) => patterned(size, i))
    const checksum = { algorithm, expected: () => undefined }
    const made = await Promise.all(bodies.map((body) => write(deps, body, { md5: undefined, checksum })))
    for (const [i, body] of bodies.entries()) {
      t.equal(made[i]!.etag, hash('md5', body), `MD5 of ${body.length} bytes`)
      t.equal(made[i]!.checksum, await checksumOf(algorithm, body), `${algorithm} of ${body.length} bytes`)
    }
  }
  t.equal(deps.pool.usedBytes, 0)
})

t.test('a claim that is right is taken, one that is wrong is refused and leaves nothing', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  for (const size of sizes) {
    const body = patterned(size)
    const md5 = Buffer.from(hash('md5', body), 'hex')
    const right = { algorithm: 'CRC32', expected: () => value } as const
    const value = await checksumOf('CRC32', body)
    await write(deps, body, { md5, checksum: right })
    const wrong: Omit<BodyClaims, 'sizeBytes'>[] = [
      { md5: Buffer.alloc(16), checksum: right },
      { md5, checksum: { algorithm: 'CRC32', expected: () => 'AAAAAQ==' } },
      { md5, checksum: { algorithm: 'SHA256', expected: () => value } },
    ]
    for (const claims of wrong) {
      const refused = await write(deps, body, claims).catch((error: unknown) => error)
      t.ok(isFault(refused, 'BadDigest'), `${size} bytes`)
    }
  }
  t.equal(nodes.chunkCount(), 0)
  t.equal(deps.pool.usedBytes, 0)
})

t.test('more uploads than memory has room for: none stands in the way of another', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  const bytes = patterned(3 * 6 * 262_144)
  const bodies = Array.from({ length: 40 }, (_, i) => bytes.subarray(i * 997))
  const settings = { ...deps.settings, blockBytes: 262_144 }
  const made = await Promise.all(
    bodies.map((body) => write({ ...deps, settings }, body, { md5: undefined, checksum: undefined })),
  )
  t.ok(made.every(({ etag }, i) => etag === hash('md5', bodies[i]!)))
  t.equal(deps.pool.usedBytes, 0)
})
