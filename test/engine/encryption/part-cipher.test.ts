import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type PartId, partIdBytes } from '../../../src/base/ids.ts'
import { PartCipher } from '../../../src/engine/encryption/part-cipher.ts'

const dataKey = randomBytes(32)
const partId = '01900000-0000-7000-8000-000000000001' as PartId
const other = '01900000-0000-7000-8000-000000000002' as PartId

function encrypt(bytes: Buffer, { key = dataKey, id = partId, pieceBytes = bytes.length } = {}): Buffer {
  const cipher = new PartCipher(key, id, 0)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes)
    pieces.push(...cipher.apply(bytes.subarray(at, at + pieceBytes)))
  return Buffer.concat(pieces)
}

t.test(
  'what is stored is AES-256-CTR under a key of the part, as anybody could undo it who has the data key',
  async (t) => {
    const bytes = randomBytes(100_001)
    const key = Buffer.from(hkdfSync('sha256', dataKey, partIdBytes(partId), 'sextant part', 32))
    const plain = createDecipheriv('aes-256-ctr', key, Buffer.alloc(16))
    t.ok(plain.update(encrypt(bytes)).equals(bytes))
  },
)

t.test('any range is decrypted from where it begins, however the bytes came', async () => {
  const bytes = randomBytes(200_000)
  fc.assert(
    fc.property(
      fc.nat(bytes.length - 1),
      fc.nat(bytes.length - 1),
      fc.integer({ min: 999, max: 200_000 }),
      (a, b, pieceBytes) => {
        const [first, last] = a < b ? [a, b] : [b, a]
        const stored = encrypt(bytes, { pieceBytes })
        const range = Buffer.from(stored.subarray(first, last + 1))
        return new PartCipher(dataKey, partId, first).applyInPlace(range).equals(bytes.subarray(first, last + 1))
      },
    ),
    { numRuns: 60 },
  )
})

t.test('an offset beyond 2^32 blocks counts on', async (t) => {
  const offset = 2 ** 32 * 16 + 5
  const zeros = () => Buffer.alloc(40)
  const from = new PartCipher(dataKey, partId, offset).applyInPlace(zeros())
  const before = new PartCipher(dataKey, partId, offset - 5).applyInPlace(zeros())
  t.ok(from.subarray(0, 35).equals(before.subarray(5)))
  t.notOk(before.equals(new PartCipher(dataKey, partId, 0).applyInPlace(zeros())), 'not from the start again')
})

t.test('two parts under one data key, and one part under two, have nothing in common', async (t) => {
  const bytes = Buffer.alloc(64)
  const made = [encrypt(bytes), encrypt(bytes, { id: other }), encrypt(bytes, { key: randomBytes(32) })]
  t.equal(new Set(made.map((each) => each.toString('hex'))).size, 3)
})
