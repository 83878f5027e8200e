import { createHash, hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { stripeBytes, stripeCount } from '../../src/striping/layout.ts'
import { type StripeBuffer, StripePool } from '../../src/striping/stripe-pool.ts'

const MIB = 1024 * 1024
const never = new AbortController().signal

const noise = Buffer.alloc(2 * MIB)
for (let i = 0, state = 1; i < noise.length; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  noise[i] = state >>> 24
}

interface UploadPlan {
  sizeBytes: number
  blockBytes: number
  pieceBytes: number
  /** Turns of the event loop before each piece. */
  pause: number
  /** Given up after as many pieces; Infinity: not at all. */
  piecesMax: number
  /** Turns that a full stripe is held on its way to the nodes. */
  sendTurns: number
}

async function send(stripe: StripeBuffer, turns: number): Promise<void> {
  using _ = stripe
  for (let i = 0; i < turns; i++) await nextTurn()
}

/** As the engine does it. Answers MD5 in hex, or undefined when it was given up. */
async function upload(pool: StripePool, body: Buffer, plan: UploadPlan): Promise<string | undefined> {
  const geometry = { ...plan, parityChunks: 2 }
  using md5 = pool.startMd5()
  const sends: Promise<void>[] = []
  let pieces = 0
  let rest = body
  for (let index = 0; index < stripeCount(geometry); index++) {
    const stripe = await pool.acquire({ ...geometry, stripeBytes: stripeBytes(geometry, index) }, never)
    while (!stripe.isFull) {
      for (let i = 0; i < plan.pause; i++) await nextTurn()
      if (pieces++ >= plan.piecesMax) {
        stripe[Symbol.dispose]()
        await Promise.all(sends)
        return undefined
      }
      rest = rest.subarray(stripe.fill(rest.subarray(0, plan.pieceBytes)))
      md5.update(stripe)
    }
    sends.push(send(stripe, plan.sendTurns))
    await md5.caughtUp()
  }
  await Promise.all(sends)
  return (await md5.digest()).toString('hex')
}

const bodyOf = ({ sizeBytes }: UploadPlan, i: number) => noise.subarray(997 * i, 997 * i + sizeBytes)
const plain = { blockBytes: 4096, pieceBytes: 5000, pause: 0, piecesMax: Infinity, sendTurns: 0 }

t.test('any number of uploads, of any sizes, at any pace, some given up: each as node:crypto has it', async (t) => {
  const plan = fc
    .record({
      blockBytes: fc.oneof(fc.constantFrom(64, 4096), fc.integer({ min: 1, max: 400 })),
      stripes: fc.double({ min: 0, max: 6, noNaN: true }),
      near: fc.integer({ min: -70, max: 70 }),
      pieceBytes: fc.oneof(fc.constantFrom(64, 65_536), fc.integer({ min: 1, max: 9000 })),
      pause: fc.nat(3),
      piecesMax: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(8) }),
      sendTurns: fc.nat(3),
    })
    .map(({ stripes, near, ...rest }): UploadPlan => {
      const about = Math.round(stripes * 6 * rest.blockBytes)
      return {
        ...rest,
        sizeBytes: Math.max(0, near % 3 === 0 ? about + near : Math.ceil(stripes) * 6 * rest.blockBytes),
      }
    })
    .map((plan) => ({ ...plan, pieceBytes: Math.max(plan.pieceBytes, Math.ceil(plan.sizeBytes / 300)) }))
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 40 }),
      async (plans, room) => {
        // At least one of the largest stripes fits; most often not all of them at once.
        const pool = new StripePool({ bytesMax: room * 65 * 1024 })
        const md5s = await Promise.all(plans.map((plan, i) => upload(pool, bodyOf(plan, i), plan)))
        const isRight = md5s.every((md5, i) => {
          const body = bodyOf(plans[i]!, i)
          return md5 === undefined ? plans[i]!.piecesMax !== Infinity : md5 === hash('md5', body)
        })
        return isRight && pool.usedBytes === 0 && pool.waiting === 0
      },
    ),
    { numRuns: 150 },
  )
  t.pass()
})

t.test('all sizes around the edges of MD5 blocks, data blocks and stripes, alone and eight at once', async (t) => {
  const pool = new StripePool({ bytesMax: 8 * MIB })
  const B = 4096
  const edges = [0, 64, 128, 64 * 6, B, 2 * B, 5 * B, 6 * B, 12 * B, 18 * B, MIB]
  for (const edge of edges) {
    for (const sizeBytes of [edge - 65, edge - 64, edge - 9, edge - 8, edge - 1, edge, edge + 1, edge + 6, edge + 55]) {
      if (sizeBytes < 0) continue
      const plan = { ...plain, sizeBytes }
      const expected = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => hash('md5', bodyOf(plan, i)))
      t.equal(await upload(pool, bodyOf(plan, 0), plan), expected[0], `${sizeBytes} bytes`)
      t.same(
        await Promise.all(expected.map((_, i) => upload(pool, bodyOf(plan, i), plan))),
        expected,
        `${sizeBytes} bytes`,
      )
    }
  }
  t.equal(pool.usedBytes, 0)
})

t.test('a body whose length in bits needs more than 32 bits', async (t) => {
  const pool = new StripePool({ bytesMax: 8 * MIB })
  const expected = createHash('md5')
  using md5 = pool.startMd5()
  const piece = noise.subarray(0, 1_572_864)
  for (let sentBytes = 0; sentBytes < 513 * MIB; sentBytes += piece.length) {
    expected.update(piece)
    using stripe = await pool.acquire(
      { stripeBytes: piece.length, blockBytes: piece.length / 6, parityChunks: 0 },
      never,
    )
    stripe.fill(piece)
    md5.update(stripe)
    await md5.caughtUp()
  }
  t.equal((await md5.digest()).toString('hex'), expected.digest('hex'))
})

/** One stripe of the pool, full, hashed by `md5` some time. */
async function fullStripe(pool: StripePool, bytes = 24_576): Promise<StripeBuffer> {
  const stripe = await pool.acquire({ stripeBytes: bytes, blockBytes: bytes / 6, parityChunks: 2 }, never)
  stripe.fill(noise.subarray(0, bytes))
  return stripe
}
const SLOT = 33_280

t.test('memory goes back when a stripe is both hashed and sent', async (t) => {
  const pool = new StripePool({ bytesMax: MIB })
  using md5 = pool.startMd5()
  const stripe = await fullStripe(pool)
  md5.update(stripe)
  await nextTurn()
  await nextTurn()
  t.equal(pool.usedBytes, SLOT, 'hashed, being sent')
  stripe[Symbol.dispose]()
  stripe[Symbol.dispose]()
  t.equal(pool.usedBytes, 0)
  const second = await fullStripe(pool)
  md5.update(second)
  second[Symbol.dispose]()
  t.equal(pool.usedBytes, SLOT, 'sent, being hashed')
  t.throws(() => second.piece(0), /until it is disposed/)
  await md5.digest()
  t.equal(pool.usedBytes, 0)
})

/** A body with one full stripe that waits for company: another body is open, and has nothing. */
async function lazy(pool: StripePool) {
  const md5 = pool.startMd5()
  const other = pool.startMd5()
  const more = async () => {
    using stripe = await fullStripe(pool)
    md5.update(stripe)
  }
  await more()
  for (let i = 0; i < 5; i++) await nextTurn()
  return { md5, other, more }
}

t.test('a full stripe waits for company, and no longer than', async (t) => {
  const settled = async (pool: StripePool) => {
    for (let i = 0; i < 5; i++) await nextTurn()
    return pool.usedBytes
  }
  const roomy = () => new StripePool({ bytesMax: 4 * SLOT })

  await t.test('until a second one is full: then the first is hashed', async (t) => {
    const pool = roomy()
    const { md5, more } = await lazy(pool)
    t.equal(pool.usedBytes, SLOT)
    await more()
    await md5.caughtUp()
    t.equal(await settled(pool), SLOT)
  })
  await t.test('until every body has a full one', async (t) => {
    const pool = roomy()
    const { other } = await lazy(pool)
    using stripe = await fullStripe(pool)
    other.update(stripe)
    t.ok((await settled(pool)) <= 2 * SLOT)
    stripe[Symbol.dispose]()
    t.ok(pool.usedBytes <= SLOT, 'at least one is hashed')
  })
  await t.test('until it is digested', async (t) => {
    const pool = roomy()
    const { md5 } = await lazy(pool)
    t.equal((await md5.digest()).toString('hex'), hash('md5', noise.subarray(0, 24_576)))
    t.equal(pool.usedBytes, 0)
  })
  await t.test('until the body that it waited for is gone', async (t) => {
    const pool = roomy()
    const { other } = await lazy(pool)
    other[Symbol.dispose]()
    t.equal(await settled(pool), 0)
  })
  await t.test('until somebody waits for memory', async (t) => {
    const pool = new StripePool({ bytesMax: SLOT })
    await lazy(pool)
    using _ = await fullStripe(pool)
    t.equal(pool.usedBytes, SLOT)
  })
  await t.test('until it is given up: then nothing of it is hashed, and who waits for it hears of it', async (t) => {
    const pool = roomy()
    const { md5, more } = await lazy(pool)
    await more()
    const waiting: Promise<unknown>[] = [md5.caughtUp(), md5.digest()]
    md5[Symbol.dispose]()
    md5[Symbol.dispose]()
    t.equal(pool.usedBytes, 0)
    for (const promise of waiting) await t.rejects(promise, /given up/)
    t.throws(() => md5.digest(), /digested once/)
  })
})

t.test('hashing gives way to the event loop', async (t) => {
  const pool = new StripePool({ bytesMax: 64 * MIB })
  const bytes = 3 * MIB
  const body = noise.subarray(0, bytes / 2)
  const expected = hash('md5', Buffer.concat([body, body]))
  const digests = Array.from({ length: 12 }, async () => {
    using md5 = pool.startMd5()
    using stripe = await pool.acquire({ stripeBytes: bytes, blockBytes: bytes / 6, parityChunks: 0 }, never)
    for (let i = 0; i < 2; i++) stripe.fill(body)
    md5.update(stripe)
    return (await md5.digest()).toString('hex')
  })
  let isDone = false
  const all = Promise.all(digests).finally(() => {
    isDone = true
  })
  let turns = 0
  for (; !isDone; turns++) await nextTurn()
  // 12 bodies of 3 MiB in 8 lanes: 4.5 MiB of each lane, 1.5 MiB of it in a turn.
  t.ok(turns >= 3 && turns <= 10, `${turns} turns`)
  t.ok((await all).every((md5) => md5 === expected))
})

t.test('what the engine must not do is refused', async (t) => {
  const pool = new StripePool({ bytesMax: MIB })
  using md5 = pool.startMd5()
  using stripe = await pool.acquire({ stripeBytes: 600, blockBytes: 100, parityChunks: 0 }, never)
  stripe.fill(noise.subarray(0, 10))
  md5.update(stripe)
  using next = await fullStripe(pool)
  t.throws(() => md5.update(next), /full before the next/)
  t.throws(() => md5.digest(), /when all stripes are full/)
  stripe.fill(noise.subarray(0, 590))
  md5.update(stripe)
  const digest = md5.digest()
  t.throws(() => md5.update(stripe), /before the digest/)
  t.throws(() => md5.digest(), /digested once/)
  t.equal((await digest).length, 16)
})
