import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import { chunkIdBytes, type PartId } from '../../src/base/ids.ts'
import { chunkSeed, verifyBlock } from '../../src/striping/checksum.ts'
import { blockBytesOf, type PartGeometry, stripeBytes, stripeCount } from '../../src/striping/layout.ts'
import { type StripeBuffer, StripePool } from '../../src/striping/stripe-pool.ts'
import { parityOf } from './kernel-twin.ts'

const PART = '0192f0c4-5d1e-7abc-8def-0123456789ab' as PartId
const MIB = 1024 * 1024
const never = new AbortController().signal

const large = { stripeBytes: 6 * 65_536, blockBytes: 65_536, parityChunks: 2 }
const small = { stripeBytes: 4096, blockBytes: 65_536, parityChunks: 2 }
/** Room for exactly two large stripes. */
const twoLarge = () => new StripePool({ bytesMax: 2 * 128 * 4160 })

function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, state = seed; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A part cut, sealed and copied out: pieces by stripe and chunk. */
async function cut(pool: StripePool, g: PartGeometry, body: Uint8Array, step: number): Promise<Buffer[][]> {
  const stripes: Buffer[][] = []
  let buffer: StripeBuffer | undefined
  for (let at = 0; at < body.length; at += step) {
    for (let rest = body.subarray(at, at + step); rest.length > 0; ) {
      const index = stripes.length
      buffer ??= await pool.acquire({ ...g, stripeBytes: stripeBytes(g, index) }, never)
      rest = rest.subarray(buffer.fill(rest))
      if (!buffer.isFull) continue
      const checksums = buffer.seal(PART, index)
      const pieces = checksums.map((_, chunk) => Buffer.from(buffer!.piece(chunk)))
      if (pieces.some((piece, chunk) => piece.readUInt32LE(piece.length - 4) !== checksums[chunk])) {
        throw new Error('seal answers what it wrote')
      }
      stripes.push(pieces)
      buffer[Symbol.dispose]()
      buffer = undefined
    }
  }
  if (buffer) throw new Error('the last stripe is full')
  return stripes
}

/** What must hold of a part that was cut: checksums, equal chunks, parity, and every byte where it belongs. */
function isCutRight(g: PartGeometry, body: Buffer, stripes: Buffer[][]): boolean {
  if (stripes.length !== stripeCount(g)) return false
  const parts: Uint8Array[] = []
  for (const [index, pieces] of stripes.entries()) {
    const length = blockBytesOf(g, index)
    if (pieces.length !== 6 + g.parityChunks || pieces.some((piece) => piece.length !== length + 4)) return false
    if (!pieces.every((piece, chunk) => verifyBlock(chunkSeed(chunkIdBytes(PART, chunk)), index, piece))) return false
    const blocks = pieces.map((piece) => piece.subarray(0, length))
    const parity = parityOf(blocks.slice(0, 6), g.parityChunks)
    if (!parity.every((block, r) => blocks[6 + r]!.equals(block))) return false
    const data = Buffer.concat(blocks.slice(0, 6))
    if (!data.subarray(stripeBytes(g, index)).every((byte) => byte === 0)) return false
    parts.push(data.subarray(0, stripeBytes(g, index)))
  }
  return Buffer.concat(parts).equals(body)
}

t.test('sizes around every edge: data, padding, parity and checksums are right', async (t) => {
  const pool = new StripePool({ bytesMax: MIB })
  for (const B of [1, 60, 64, 1000]) {
    const sizes = [0, 1, 5, 6, 7, B - 1, B, B + 1, 6 * B - 1, 6 * B, 6 * B + 1, 12 * B - 1, 12 * B, 12 * B + 1]
    for (const sizeBytes of sizes) {
      for (const parityChunks of [0, 1, 2, 6]) {
        const g = { sizeBytes, blockBytes: B, parityChunks }
        const body = noise(sizeBytes, sizeBytes + 1)
        const stripes = await cut(pool, g, body, 777)
        if (!isCutRight(g, body, stripes)) t.fail(`B ${B}, size ${sizeBytes}, m ${parityChunks}`)
      }
    }
  }
  t.equal(pool.usedBytes, 0)
})

t.test('any part, in pieces of any size, any m lost: rebuilt bit for bit', async () => {
  const pool = new StripePool({ bytesMax: MIB })
  const arbitrary = fc.record({
    sizeBytes: fc.integer({ min: 1, max: 5_000 }),
    blockBytes: fc.integer({ min: 1, max: 400 }),
    parityChunks: fc.integer({ min: 0, max: 6 }),
    step: fc.integer({ min: 1, max: 3_000 }),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { minLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ step, order, ...g }) => {
      const body = noise(g.sizeBytes, g.sizeBytes)
      const stripes = await cut(pool, g, body, step)
      const lost = order.filter((chunk) => chunk < 6 + g.parityChunks).slice(0, g.parityChunks)
      const rebuiltRight = stripes.every((pieces, index) => {
        const blockBytes = blockBytesOf(g, index)
        const present = pieces.map((piece, chunk) => (lost.includes(chunk) ? undefined : piece))
        const rebuilt = pool.rebuildBlocks({ blockBytes, parityChunks: g.parityChunks, present, wanted: lost })
        return lost.every((chunk, i) => rebuilt[i]!.equals(pieces[chunk]!.subarray(0, blockBytes)))
      })
      return rebuiltRight && isCutRight(g, body, stripes)
    }),
    { numRuns: 150 },
  )
})

t.test('golden payload, made by another implementation: STANDARD, 13 bytes', async (t) => {
  const pool = new StripePool({ bytesMax: MIB })
  const [pieces] = await cut(
    pool,
    { sizeBytes: 13, blockBytes: 1024, parityChunks: 2 },
    Buffer.from('hello sextant'),
    99,
  )
  t.same(
    pieces!.map((piece) => piece.toString('hex')),
    [
      '68656cd79596b5',
      '6c6f20a4d8b0fb',
      '736578460a1afd',
      '74616e086c47a4',
      '740000a8736e78',
      '000000bab33ce7',
      '770e5ae85f302d',
      'f51d86f54fa1ed',
    ],
  )
})

t.test('memory of a former stripe does not show', async (t) => {
  const pool = new StripePool({ bytesMax: MIB })
  {
    using buffer = await pool.acquire(large, never)
    buffer.fill(Buffer.alloc(large.stripeBytes, 0xff))
    buffer.seal(PART, 0)
  }
  const g = { sizeBytes: 7, blockBytes: 65_536, parityChunks: 6 }
  t.ok(isCutRight(g, noise(7), await cut(pool, g, noise(7), 99)))
})

t.test('views stay good while other buffers come and go, up to the whole pool', async (t) => {
  const pool = new StripePool({ bytesMax: 8 * MIB })
  using first = await pool.acquire(large, never)
  first.fill(noise(large.stripeBytes))
  first.seal(PART, 3)
  const view = first.piece(7)
  const copy = Buffer.from(view)
  const others = await Promise.all(Array.from({ length: 14 }, () => pool.acquire(large, never)))
  for (const other of others) {
    other.fill(Buffer.alloc(large.stripeBytes, 0x77))
    other.seal(PART, 4)
  }
  t.equal(view.length, 65_540)
  t.ok(copy.equals(view))
  for (const other of others) other[Symbol.dispose]()
})

t.test('a small stripe takes a small slot', async (t) => {
  const pool = new StripePool({ bytesMax: MIB })
  using _small = await pool.acquire(small, never)
  t.ok(pool.usedBytes <= 2 * 4160, `${pool.usedBytes} bytes`)
})

t.test(
  'acquire: waits when exhausted, is served in order of arrival, a large one before later small ones',
  async (t) => {
    const pool = twoLarge()
    const [a, b] = [await pool.acquire(large, never), await pool.acquire(large, never)]
    const served: string[] = []
    const waiting = (['large 1', 'small 1', 'small 2', 'large 2'] as const).map(async (name) => {
      const buffer = await pool.acquire(name.startsWith('large') ? large : small, never)
      served.push(name)
      return buffer
    })
    t.equal(pool.waiting, 4)
    await sleep(5)
    t.same(served, [])
    a[Symbol.dispose]()
    await sleep(5)
    t.same(served, ['large 1'])
    b[Symbol.dispose]()
    await sleep(5)
    t.same(served, ['large 1', 'small 1', 'small 2'])
    const [large1, small1, small2] = await Promise.all(waiting.slice(0, 3))
    small1![Symbol.dispose]()
    await sleep(5)
    t.equal(served.length, 3, 'one small one still holds half of a large slot')
    small2![Symbol.dispose]()
    const large2 = await waiting[3]!
    t.equal(pool.waiting, 0)
    large1![Symbol.dispose]()
    large2[Symbol.dispose]()
    t.equal(pool.usedBytes, 0)
  },
)

t.test('acquire: a small one does not overtake a large one that waits, though it would fit', async (t) => {
  const pool = twoLarge()
  const a = await pool.acquire(large, never)
  const b = await pool.acquire(small, never)
  const c = await pool.acquire(small, never)
  const queue = pool.acquire(large, never)
  let overtook = false
  const late = pool.acquire(small, never).then((buffer) => {
    overtook = true
    return buffer
  })
  await sleep(5)
  t.notOk(overtook, 'when asking')
  b[Symbol.dispose]()
  await sleep(5)
  t.notOk(overtook, 'when another comes back')
  c[Symbol.dispose]()
  const got = await queue
  t.notOk(overtook)
  a[Symbol.dispose]()
  for (const buffer of [got, await late]) buffer[Symbol.dispose]()
  t.equal(pool.usedBytes, 0)
})

t.test(
  'acquire: an abort while waiting rejects with its reason, leaks nothing, and lets those behind go on',
  async (t) => {
    const pool = twoLarge()
    const a = await pool.acquire(large, never)
    const b = await pool.acquire(small, never)
    const controller = new AbortController()
    const reason = new Error('the client is gone')
    const waiting = pool.acquire(large, controller.signal)
    const behind = pool.acquire(small, never)
    controller.abort(reason)
    await t.rejects(waiting, reason)
    const c = await behind
    for (const buffer of [a, b, c]) buffer[Symbol.dispose]()
    t.equal(pool.waiting, 0)
    t.equal(pool.usedBytes, 0)
    await t.rejects(pool.acquire(small, controller.signal), reason)
    t.equal(pool.usedBytes, 0)
  },
)

t.test('acquire: no listener stays on the signal', async (t) => {
  const pool = twoLarge()
  const { signal } = new AbortController()
  let listeners = 0
  const counted = new Proxy(signal, {
    get(target, name) {
      if (name === 'addEventListener') return () => listeners++
      if (name === 'removeEventListener') return () => listeners--
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const held = [await pool.acquire(large, counted), await pool.acquire(large, counted)]
  const waiting = pool.acquire(large, counted)
  t.equal(listeners, 1)
  for (const buffer of held) buffer[Symbol.dispose]()
  ;(await waiting)[Symbol.dispose]()
  t.equal(listeners, 0)
})

t.test('acquire: under random load and aborts nothing leaks, and all are served or rejected', async (t) => {
  const pool = twoLarge()
  const shapes = [large, small, { ...large, parityChunks: 0 }, { ...small, stripeBytes: 100_000 }]
  let random = 12345
  const next = (bound: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    return (random >>> 8) % bound
  }
  const outcomes = await Promise.allSettled(
    Array.from({ length: 400 }, async (_, i) => {
      const controller = new AbortController()
      if (i % 3 === 0) setImmediate(() => controller.abort())
      using buffer = await pool.acquire(shapes[next(shapes.length)]!, controller.signal)
      if (i % 5 > 0) await sleep(next(2))
      buffer.fill(Buffer.alloc(10))
    }),
  )
  t.equal(outcomes.length, 400)
  t.equal(pool.usedBytes, 0)
  t.equal(pool.waiting, 0)
})

t.test('acquire: SlowDown when too many wait', async (t) => {
  const pool = twoLarge()
  const controller = new AbortController()
  const held = [await pool.acquire(large, never), await pool.acquire(large, never)]
  setMaxListeners(0, controller.signal)
  const waiting = Array.from({ length: 10_000 }, () => pool.acquire(small, controller.signal).catch(() => {}))
  await t.rejects(
    pool.acquire(small, never).catch((error) => Promise.reject(isFault(error, 'SlowDown') ? new Error('slow') : error)),
    /slow/,
  )
  controller.abort()
  await Promise.all(waiting)
  for (const buffer of held) buffer[Symbol.dispose]()
  t.equal(pool.usedBytes, 0)
})

t.test('acquire: what can never fit is refused, not waited for; impossible shapes too', async (t) => {
  const pool = twoLarge()
  await t.rejects(pool.acquire({ stripeBytes: 6 * MIB, blockBytes: MIB, parityChunks: 2 }, never), RangeError)
  await t.rejects(pool.acquire({ ...small, stripeBytes: 0 }, never), /1 to 6/)
  await t.rejects(pool.acquire({ ...small, stripeBytes: 6 * 65_536 + 1 }, never), /1 to 6/)
  await t.rejects(pool.acquire({ ...small, parityChunks: 7 }, never), /0 to 6/)
  t.throws(() => new StripePool({ bytesMax: 2 ** 33 }), /4 GiB/)
})

t.test(
  'StripeBuffer: disposed twice gives back once; used after dispose is refused; sealed only when full, once',
  async (t) => {
    const pool = twoLarge()
    const a = await pool.acquire(small, never)
    t.throws(() => a.seal(PART, 0), /when full/)
    t.equal(a.fill(Buffer.alloc(5000)), 4096)
    t.equal(a.fill(Buffer.alloc(1)), 0)
    t.throws(() => a.piece(0), /sealed/)
    a.seal(PART, 0)
    t.throws(() => a.seal(PART, 0), /once/)
    t.throws(() => a.piece(8), /a piece/)
    t.throws(() => a.piece(-1), /a piece/)
    a[Symbol.dispose]()
    using b = await pool.acquire(small, never)
    a[Symbol.dispose]()
    t.ok(pool.usedBytes > 0, 'the second dispose does not take it from the next holder')
    t.throws(() => a.piece(0), /disposed/)
    t.throws(() => a.fill(Buffer.alloc(1)), /disposed/)
    t.equal(b.blockBytes, 683)
  },
)
