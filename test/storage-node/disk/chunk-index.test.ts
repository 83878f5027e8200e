import fc from 'fast-check'
import t from 'tap'
import { type ChunkKey, keyBytes, keyName, keyText, parseKey } from '../../../src/chunk-files/chunk-key.ts'
import { ChunkIndex, type Place } from '../../../src/storage-node/disk/chunk-index.ts'
import { makeDice } from './crash-fs.ts'

const word = fc.integer({ min: 0, max: 0xffff_ffff })

/** Few enough that they meet: `spread` tells how many. */
function keyOf(n: number): ChunkKey {
  return { w0: 0x018f_0000, w1: 0x7000 + (n >>> 8), w2: (n * 0x0101_0101) >>> 0, w3: 7, index: n & 7 }
}

function placeOf(n: number): Place {
  return { segment: n % 5, offset: n * 1000, payloadBytes: (n * 77) >>> 0, overheadBytes: n % 3000 }
}

t.test('an index knows what a Map knows, through growing, shrinking and deletions that move rows', async (t) => {
  const operation = fc.record({ key: fc.integer({ min: 0, max: 300 }), isDelete: fc.boolean(), value: fc.nat(99_999) })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
      const index = new ChunkIndex()
      const model = new Map<string, { key: ChunkKey; place: Place }>()
      for (const { key: n, isDelete, value } of operations) {
        const key = keyOf(n)
        const before = model.get(keyText(key))?.place
        if (isDelete) {
          t.same(index.delete(key), before)
          model.delete(keyText(key))
        } else {
          t.same(index.set(key, placeOf(value)), before)
          model.set(keyText(key), { key, place: placeOf(value) })
        }
      }
      t.equal(index.size, model.size)
      t.equal(
        index.payloadBytes,
        [...model.values()].reduce((sum, { place }) => sum + place.payloadBytes, 0),
      )
      for (const { key, place } of model.values()) t.same(index.get(key), place)
      const listed = Array.from({ length: index.shards }, (_, shard) => index.select(shard, {})).flat()
      t.same(listed.map((c) => keyName(c.key)).sort(), [...model.values()].map((c) => keyName(c.key)).sort())
    }),
    { numRuns: 30 },
  )
})

t.test('300,000 chunks: 40 to 56 bytes each, all found, and the memory goes when they go', async (t) => {
  const index = new ChunkIndex()
  const dice = makeDice(1)
  const keys = Array.from({ length: 300_000 }, (_, n) => ({
    w0: 0x018f_0000,
    w1: (n << 12) >>> 0,
    w2: dice(0x1_0000_0000),
    w3: 3,
    index: n % 8,
  }))
  let bytesMax = 0
  for (const [n, key] of keys.entries()) {
    index.set(key, placeOf(n))
    if (n > 100_000) bytesMax = Math.max(bytesMax, index.memoryBytes / index.size)
  }
  t.ok(bytesMax <= 56, `${bytesMax} bytes each at worst`)
  t.equal(keys.filter((key, n) => index.get(key)?.offset !== placeOf(n).offset).length, 0)
  for (const key of keys.slice(1000)) index.delete(key)
  t.equal(keys.slice(0, 1000).filter((key, n) => index.get(key)?.offset !== placeOf(n).offset).length, 0)
  t.ok(index.memoryBytes < 1_000_000, `${index.memoryBytes} bytes for 1000`)
})

t.test('a key is its 17 bytes, whatever they are', async (t) => {
  const key = fc.record({ w0: word, w1: word, w2: word, w3: word, index: fc.integer({ min: 0, max: 255 }) })
  fc.assert(
    fc.property(key, key, (a, b) => {
      t.same(parseKey(keyBytes(a)), a)
      t.equal(keyText(a) === keyText(b), keyBytes(a).equals(keyBytes(b)))
    }),
  )
})

t.test('a range of part ids selects what lies in it, in the order of bytes', async (t) => {
  const key = fc.record({ w0: fc.constantFrom(1, 0x8000_0000), w1: word, w2: word, w3: word, index: fc.nat(7) })
  const part = (key: ChunkKey) => keyBytes(key).subarray(0, 16)
  fc.assert(
    fc.property(fc.array(key, { minLength: 2, maxLength: 40 }), fc.nat(), fc.nat(), (keys, a, b) => {
      const index = new ChunkIndex()
      for (const each of keys) index.set(each, placeOf(1))
      const [afterPart, untilPart] = [part(keys[a % keys.length]!), part(keys[b % keys.length]!)]
      const wanted = (each: ChunkKey) => part(each).compare(afterPart) > 0 && part(each).compare(untilPart) <= 0
      const listed = Array.from({ length: index.shards }, (_, n) => index.select(n, { afterPart, untilPart })).flat()
      const names = (of: ChunkKey[]) => [...new Set(of.map(keyName))].sort()
      t.same(names(listed.map(({ key: found }) => found)), names(keys.filter(wanted)))
    }),
  )
})
