/** Prints what the ring, parity and checksums cost. `node bench/micro/striping.ts`, some seconds. */
import { hash } from 'node:crypto'
import type { PartId, ServerId, ServerNumber } from '../../src/base/ids.ts'
import { buildRing, homeOf, loadRingHash, placePart, virtualNodePoints } from '../../src/placement/ring.ts'
import { chunkPoint } from '../../src/placement/ring-hash.ts'
import { chunkHasher, chunkSeeds, verifyBlock } from '../../src/striping/checksum.ts'
import { StripeKernel } from '../../src/striping/kernel.ts'
import { StripePool } from '../../src/striping/stripe-pool.ts'

const GIB = 2 ** 30
const BLOCK_BYTES = 131_072
const LOOK_UP_MICROS_MAX = 1
const { signal } = new AbortController()

/** CPU microseconds a turn: the best of five rounds of `turns`, after one to warm up. */
async function cpuMicros(turns: number, turn: (i: number) => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 6; round++) {
    const start = process.cpuUsage()
    for (let i = 0; i < turns; i++) {
      const result = turn(i)
      if (result instanceof Promise) await result
    }
    const { user, system } = process.cpuUsage(start)
    if (round > 0) best = Math.min(best, (user + system) / turns)
  }
  return best
}

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(58)} ${value.toFixed(3).padStart(9)} ${unit}\n`)
}

function uuid(seed: string): string {
  const hex = hash('sha256', seed)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

async function benchRing(): Promise<void> {
  await loadRingHash()
  const parts = Array.from({ length: 1024 }, (_, i) => uuid(`part ${i}`) as PartId)
  const points = parts.map((id) => chunkPoint(id, 0))
  for (const count of [6, 100]) {
    const servers = Array.from({ length: count }, (_, i) => ({
      number: (i + 1) as ServerNumber,
      zone: '',
      points: virtualNodePoints(uuid(`server ${i}`) as ServerId),
    }))
    const ring = buildRing(servers)
    const name = `${count} servers`
    const lookUp = await cpuMicros(200_000, (i) => homeOf(ring, points[i % 1024]!))
    print(`ring look-up, ${name}`, lookUp, `µs (target: below ${LOOK_UP_MICROS_MAX})`)
    print(
      `chunk id to server, ${name}`,
      await cpuMicros(100_000, (i) => homeOf(ring, chunkPoint(parts[i % 1024]!, 3))),
      'µs',
    )
    print(
      `placing 8 chunks, ${name}`,
      await cpuMicros(20_000, (i) => placePart(ring, parts[i % 1024]!, 8, () => true)),
      'µs',
    )
    print(`building the ring, ${name}`, (await cpuMicros(5, () => buildRing(servers))) / 1000, 'ms')
  }
}

/** Data bytes of one turn, microseconds a turn: seconds for a GiB of data. */
const secondsPerGib = (bytes: number, micros: number) => ((micros / 1e6) * GIB) / bytes

async function benchParity(): Promise<void> {
  const stride = BLOCK_BYTES + 64
  const stripeBytes = 6 * BLOCK_BYTES
  const kernel = new StripeKernel(4 * 12 * stride)
  kernel.memory.fill(7)
  for (const m of [1, 2, 3, 4, 6]) {
    const micros = await cpuMicros(150, (i) => kernel.encode((i % 4) * 12 * stride, stride, BLOCK_BYTES, m))
    print(`parity, m = ${m}`, secondsPerGib(stripeBytes, micros), 's/GiB of data')
  }
  const blocks = Array.from({ length: 8 }, (_, i) => Buffer.alloc(BLOCK_BYTES, i))
  for (const lost of [[0], [0, 1]]) {
    const present = blocks.map((block, i) => (lost.includes(i) ? undefined : block))
    const order = { blockBytes: BLOCK_BYTES, parityChunks: 2, present, wanted: lost }
    const micros = await cpuMicros(100, () => kernel.rebuild(order))
    print(`rebuilding ${lost.length} of 6 + 2`, secondsPerGib(stripeBytes, micros), 's/GiB of data')
  }
}

async function benchStripes(): Promise<void> {
  const part = uuid('part') as PartId
  const pool = new StripePool({ bytesMax: 16 * 2 ** 20 })
  for (const stripeBytes of [6 * BLOCK_BYTES, 4096]) {
    const body = Buffer.alloc(stripeBytes, 5)
    const shape = { stripeBytes, blockBytes: BLOCK_BYTES, parityChunks: 2 }
    const turns = stripeBytes > 4096 ? 150 : 20_000
    const micros = await cpuMicros(turns, async (i) => {
      using buffer = await pool.acquire(shape, signal)
      buffer.fill(body)
      buffer.seal(part, i)
    })
    const name = `a stripe of ${stripeBytes} bytes: copied, 6 + 2, checksums`
    print(name, micros, 'µs')
    print('', secondsPerGib(stripeBytes, micros), 's/GiB of data')
  }
  using buffer = await pool.acquire({ stripeBytes: 6 * BLOCK_BYTES, blockBytes: BLOCK_BYTES, parityChunks: 2 }, signal)
  buffer.fill(Buffer.alloc(6 * BLOCK_BYTES, 5))
  buffer.seal(part, 0)
  const seed = chunkSeeds(part, 1)[0]!
  const piece = buffer.piece(0)
  const micros = await cpuMicros(1_000, () => verifyBlock(seed, 0, piece))
  print('checking a block', secondsPerGib(BLOCK_BYTES, micros), 's/GiB of blocks')
  const hashing = await cpuMicros(20_000, () => {
    const hasher = chunkHasher()
    hasher.update(1)
    return hasher.digest()
  })
  print('the hash of a chunk of one block', hashing, 'µs')
}

await benchRing()
await benchParity()
await benchStripes()
