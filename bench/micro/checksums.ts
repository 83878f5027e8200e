/**
 * What the checksums that clients name cost, as a body passes through, and for one small body: `node bench/micro/checksums.ts`,
 * some seconds. Seconds of CPU for a GiB in pieces of 64 KiB; microseconds for 4 KiB in one piece, start and digest included.
 */
import { startChecksum } from '../../src/engine/digests.ts'
import { algorithms } from '../../src/s3api/checksums/algorithms.ts'

const GIB = 2 ** 30
const PIECE_BYTES = 65_536
const PIECES = 2_048
const SMALL_BYTES = 4_096
const SMALL_BODIES = 20_000
const ROUNDS = 5
const piece = Buffer.alloc(PIECE_BYTES, 'sextant')
const small = piece.subarray(0, SMALL_BYTES)

/** The best of some rounds, after one to warm up. */
async function cpuMicros(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    if (round > 0) best = Math.min(best, user + system)
  }
  return best
}

for (const algorithm of algorithms) {
  const long = await cpuMicros(async () => {
    const checksum = startChecksum(algorithm)
    for (let n = 0; n < PIECES; n++) checksum.update(piece)
    await checksum.digest()
  })
  const short = await cpuMicros(async () => {
    for (let n = 0; n < SMALL_BODIES; n++) {
      const checksum = startChecksum(algorithm)
      checksum.update(small)
      await checksum.digest()
    }
  })
  const perGib = ((long / 1e6) * GIB) / (PIECES * PIECE_BYTES)
  console.log(`${algorithm.padEnd(9)} ${perGib.toFixed(3)} s/GiB, 4 KiB: ${(short / SMALL_BODIES).toFixed(1)} µs`)
}
