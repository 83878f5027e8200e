import t from 'tap'
import { systemClock } from '../../src/base/system.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import { readPart } from '../../src/engine/read-part.ts'
import { SlowUploadBudget } from '../../src/engine/stripe-filler.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { StripePool } from '../../src/striping/stripe-pool.ts'
import { never } from '../support/chunk-cluster.ts'
import { claimsOf, engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'
import { until } from '../support/until.ts'

/** Three stripes of 6 × 4 KiB, and a rest. */
const SIZE = 80_000
const SLOW_MS = 60
/** The memory in which 6,000 bytes wait, that came as blocks of 4 KiB: twice the first one's. */
const STAGED = 2 * 4096

async function start(settings: { poolBytes?: number; slowBytes?: number } = {}): Promise<EngineDeps> {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes, {}, { slowStripeMs: SLOW_MS })
  return {
    ...deps,
    // Room for two stripes.
    pool: new StripePool({ bytesMax: settings.poolBytes ?? 2 * 65 * 1024 }),
    slowUploads: new SlowUploadBudget(settings.slowBytes ?? 1024 * 1024),
  }
}

/** A client that sends so much, then nothing until it is told to go on. */
async function* stalling(bytes: Buffer, after: number, goOn: Promise<void>): AsyncGenerator<Buffer> {
  yield* inPieces(bytes.subarray(0, after), 1000)
  await goOn
  yield* inPieces(bytes.subarray(after), 1000)
}

const order = { claims: claimsOf(SIZE), label }

async function isReadBack(deps: EngineDeps, part: Awaited<ReturnType<typeof writePart>>, body: Buffer) {
  const pieces: Uint8Array[] = []
  for await (const piece of readPart(deps, part.layout!, { first: 0, last: SIZE - 1 }, never)) {
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces).equals(body)
}

t.test('clients that stall hold nobody else up, and are served when they go on', async (t) => {
  const deps = await start()
  const goOn = Promise.withResolvers<void>()
  const bodies = Array.from({ length: 10 }, (_, n) => patterned(SIZE, n))
  const slow = bodies.map((body, n) => writePart(deps, order, stalling(body, 500 + n * 7000, goOn.promise), never))
  // Each holds a stripe of the pool, which has room for two, until it is found to be slow.
  await until(() => deps.pool.usedBytes === 0 && deps.pool.waiting === 0)
  const body = patterned(SIZE, 77)
  const quick = await writePart(deps, order, inPieces(body, 10_000), never)
  t.ok(await isReadBack(deps, quick, body))
  t.ok(deps.slowUploads.usedBytes > 0)
  goOn.resolve()
  for (const [n, part] of (await Promise.all(slow)).entries()) t.ok(await isReadBack(deps, part, bodies[n]!))
  t.equal(deps.slowUploads.usedBytes, 0)
  t.equal(deps.pool.usedBytes, 0)
})

t.test(
  'what slow clients may send ahead is bounded: beyond it they are told to slow down, and leave nothing',
  async (t) => {
    const deps = await start({ slowBytes: 10_000 })
    const goOn = Promise.withResolvers<void>()
    const upload = (n: number) => writePart(deps, order, stalling(patterned(SIZE, n), 6000, goOn.promise), never)
    const first = upload(1)
    await until(() => deps.slowUploads.usedBytes === STAGED)
    const second = upload(2)
    second.catch(() => {})
    await systemClock.sleep(4 * SLOW_MS)
    goOn.resolve()
    await t.rejects(second, { code: 'SlowDown' })
    await t.rejects(first, { code: 'SlowDown' }, 'a stripe that is larger than all of the room')
    t.equal(deps.slowUploads.usedBytes, 0)
    t.equal(deps.pool.usedBytes, 0)
  },
)

t.test('a client that goes away while it is slow leaves nothing', async (t) => {
  const deps = await start()
  const gone = Promise.withResolvers<void>()
  const upload = writePart(deps, order, stalling(patterned(SIZE), 6000, gone.promise), never)
  upload.catch(() => {})
  await until(() => deps.slowUploads.usedBytes === STAGED)
  gone.reject(new Error('the client went away'))
  await t.rejects(upload, /went away/)
  t.equal(deps.slowUploads.usedBytes, 0)
})
