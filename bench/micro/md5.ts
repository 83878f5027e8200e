/**
 * Prints what MD5 costs for several uploads at once: node:crypto on every piece, against lanes out of the stripes.
 * `node bench/micro/md5.ts`, some ten seconds. Seconds of CPU for a GiB; filling the stripes, which both need, is taken out.
 */
import { createHash, hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { stripeBytes, stripeCount } from '../../src/striping/layout.ts'
import { type Md5Stream, type StripeBuffer, StripePool } from '../../src/striping/stripe-pool.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20
const BLOCK_BYTES = 131_072
/** What a socket gives at once. */
const PIECE_BYTES = 65_536
const BYTES_IN_ALL = 128 * MIB
const { signal } = new AbortController()
const pool = new StripePool({ bytesMax: 128 * MIB })
const source = Buffer.alloc(4 * MIB)
for (let i = 0; i < source.length; i += 4) source.writeUInt32LE(Math.imul(i + 1, 2654435761) >>> 0, i)

interface Hashing {
  update(piece: Uint8Array, stripe: StripeBuffer): void
  caughtUp(): Promise<void>
  digest(): Promise<unknown>
}
type Start = () => Hashing

const nothing: Start = () => ({ update() {}, async caughtUp() {}, async digest() {} })

const openssl: Start = () => {
  const md5 = createHash('md5')
  return { update: (piece) => md5.update(piece), async caughtUp() {}, digest: async () => md5.digest() }
}

const lanes: Start = () => {
  const md5: Md5Stream = pool.startMd5()
  return {
    update: (_, stripe) => md5.update(stripe),
    caughtUp: () => md5.caughtUp(),
    async digest() {
      using _ = md5
      return await md5.digest()
    },
  }
}

/** One body after the other, in pieces, a piece in a turn of the event loop. */
async function upload(start: Start, bodies: number, sizeBytes: number, offset: number): Promise<void> {
  const geometry = { sizeBytes, blockBytes: BLOCK_BYTES, parityChunks: 2 }
  for (let left = Math.round(offset * PIECE_BYTES); left > 0; left -= PIECE_BYTES) await nextTurn()
  for (let body = 0; body < bodies; body++) {
    const hashing = start()
    let position = 0
    for (let index = 0; index < stripeCount(geometry); index++) {
      using stripe = await pool.acquire({ ...geometry, stripeBytes: stripeBytes(geometry, index) }, signal)
      while (!stripe.isFull) {
        await nextTurn()
        const at = position % (source.length - PIECE_BYTES)
        const taken = stripe.fill(source.subarray(at, at + PIECE_BYTES))
        hashing.update(source.subarray(at, at + taken), stripe)
        position += taken
      }
      await hashing.caughtUp()
    }
    await hashing.digest()
  }
}

async function cpuSeconds(start: Start, uploads: number, sizeBytes: number): Promise<number> {
  const bodies = Math.max(1, Math.round(BYTES_IN_ALL / uploads / sizeBytes))
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 4; round++) {
    const before = process.cpuUsage()
    // Started apart, as clients are: by a prime number of pieces.
    await Promise.all(Array.from({ length: uploads }, (_, i) => upload(start, bodies, sizeBytes, 5 * i)))
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (((user + system) / 1e6) * GIB) / (bodies * uploads * sizeBytes))
  }
  return best
}

const row = (cells: readonly (string | number)[]) =>
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join('')}\n`)

row(['body', 'at once', 'node:crypto', 'lanes'])
for (const sizeBytes of [32 * MIB, MIB, 64 * 1024, 16 * 1024]) {
  for (const uploads of [1, 2, 4, 8, 16]) {
    const filling = await cpuSeconds(nothing, uploads, sizeBytes)
    const [plain, together] = [
      await cpuSeconds(openssl, uploads, sizeBytes),
      await cpuSeconds(lanes, uploads, sizeBytes),
    ]
    row([`${sizeBytes / 1024} KiB`, uploads, (plain - filling).toFixed(2), (together - filling).toFixed(2)])
  }
}
for (const sizeBytes of [4096, 16_384, 65_536]) {
  const body = source.subarray(0, sizeBytes)
  const turns = Math.round((32 * MIB) / sizeBytes)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 4; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < turns; i++) hash('md5', body, 'buffer')
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (((user + system) / 1e6) * GIB) / (turns * sizeBytes))
  }
  row([`${sizeBytes / 1024} KiB`, 'one call', best.toFixed(2), ''])
}
