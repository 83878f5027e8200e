import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../failure.ts'
import { type Check, type Finding, ok, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'
import { dataPlaces } from '../places.ts'

const WRITES = 24
const WRITE_BYTES = 4096
/** On a disk so slow that it takes longer, fewer writes tell enough. */
const MEASURE_MS_MAX = 2_000
/** A disk that writes to its medium takes longer: a flash chip some 200 µs, a platter some ms. One that answers from memory that outlives a power cut does not. */
const FAST_MS = 0.1
/** Every acknowledged write waits for one such on the slowest of its nodes. */
const SLOW_MS = 30

/** Appends a few times, each time synced, to a file that is removed again. */
export const diskSync: Check = {
  name: 'disk sync',
  async run(context) {
    if (context.role === 'gateway') return skipped('a gateway keeps no data')
    const findings: Finding[] = []
    for (const place of await dataPlaces(context)) findings.push(await measure(place, context))
    return findings
  },
}

async function measure(place: string, { random }: DoctorContext): Promise<Finding> {
  const file = join(place, `.sextant-doctor-${random.bytes(6).toString('hex')}`)
  try {
    return judgeSync(place, await timeSyncs(file))
  } catch (error) {
    return skipped(`${place} could not be written to (${systemCode(error)})`)
  } finally {
    await rm(file, { force: true }).catch(() => {})
  }
}

/** How long each took, in ms, in order of length. */
async function timeSyncs(file: string): Promise<number[]> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const piece = Buffer.alloc(WRITE_BYTES, 'doctor')
    const tookMs: number[] = []
    const endMs = performance.now() + MEASURE_MS_MAX
    while (tookMs.length < WRITES && (tookMs.length === 0 || performance.now() < endMs)) {
      await handle.write(piece)
      const startedMs = performance.now()
      await handle.datasync()
      tookMs.push(performance.now() - startedMs)
    }
    return tookMs.sort((a, b) => a - b)
  } finally {
    await handle.close()
  }
}

/** Of the time that synced appends took, in order. */
export function judgeSync(place: string, sortedMs: readonly number[]): Finding {
  const medianMs = sortedMs[Math.floor(sortedMs.length / 2)]!
  const told = `a synced write of 4 KiB at ${place} takes ${showMs(medianMs)}, ${showMs(sortedMs[0]!)} at best`
  // A busy machine makes a fast one look slow, and nothing a slow one fast.
  if (sortedMs[0]! < FAST_MS)
    return warning(
      `${told}, faster than a disk that writes before it answers: be sure that it, or its controller, keeps its cache through a power cut, and that nothing between (a virtual machine, a file system) swallows the sync.`,
    )
  if (medianMs > SLOW_MS)
    return warning(`${told}, and every write of a client waits for one: use a faster disk, or one that is less busy.`)
  return ok(told)
}

function showMs(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 2 : 1)} ms`
}
