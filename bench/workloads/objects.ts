import { randomFillSync, randomInt } from 'node:crypto'
import { drive } from '../load/drive.ts'
import { callers, callOnce, readyCallers, type S3Call } from '../load/s3.ts'
import type { Bench, Plan } from './workload.ts'

export const BUCKET = 'bench-load'

/** What lies in the bucket under `kind`, numbered from 0. */
export interface ObjectKind {
  kind: string
  sizeBytes: number
  /** Lines of a log; else random bytes. */
  isText?: boolean
}

const MIB = 2 ** 20
const FILLING_CLIENTS = 16
const LARGE_READ_OBJECTS = 16

/** The same for all bodies of a size: made once, sent many times. */
const bodies = new Map<string, Buffer>()
export function bodyOf(bytes: number, isText = false): Buffer {
  const name = `${bytes} ${isText}`
  const body = bodies.get(name) ?? (isText ? linesOf(bytes) : randomFillSync(Buffer.alloc(bytes)))
  bodies.set(name, body)
  return body
}

/** As a server logs its requests: gzip makes a quarter of it. */
function linesOf(bytes: number): Buffer {
  const lines: string[] = []
  for (let length = 0, n = 0; length < bytes; n++) {
    const [id, ms, object] = [randomInt(2 ** 48 - 1).toString(16), randomInt(500), randomInt(100_000)]
    const line = `2026-11-03T12:00:${n % 60}.${ms}Z gateway INFO ${id} GET /photos/2026/${object}.jpg 200 ${ms} ms\n`
    lines.push(line)
    length += line.length
  }
  return Buffer.from(lines.join('')).subarray(0, bytes)
}

export function pathOf({ kind }: ObjectKind, n: number): string {
  return `/${BUCKET}/${kind}/${n}`
}

export function putOf(objects: ObjectKind, n: number): S3Call {
  return { method: 'PUT', path: pathOf(objects, n), body: bodyOf(objects.sizeBytes, objects.isText) }
}

/** PUT of new objects; the warm-up writes others. */
export async function planPut({ target, scale, objects: made }: Bench, objects: ObjectKind): Promise<Plan> {
  await callOnce(target.s3, { method: 'PUT', path: `/${BUCKET}` })
  return {
    warmUp: callers(target.s3, (n) => putOf(warmUpOf(objects), n)),
    timed: (operations) => readyCallers(target.s3, (n) => putOf(objects, n), operations),
    operationsMax: Math.max(1, Math.floor(scale.writtenBytesMax / objects.sizeBytes)),
    async finish(operations) {
      made.set(objects.kind, operations)
    },
  }
}

/** GET or HEAD of the objects that there are, one after the other and round again. */
export async function planRead(
  bench: Bench,
  { method, objects }: { method: string; objects: ObjectKind },
): Promise<Plan> {
  const { s3 } = bench.target
  const count = await ensureObjects(bench, objects)
  const call = (n: number) => ({ method, path: pathOf(objects, n % count) })
  return { warmUp: callers(s3, call), timed: (operations) => readyCallers(s3, call, operations) }
}

/** DELETE of all of them; the warm-up deletes what the warm-up of the PUT wrote. */
export async function planDelete(bench: Bench, objects: ObjectKind): Promise<Plan> {
  const { s3 } = bench.target
  const count = await ensureObjects(bench, objects)
  return {
    warmUp: callers(s3, (n) => ({ method: 'DELETE', path: pathOf(warmUpOf(objects), n) })),
    timed: (operations) => readyCallers(s3, (n) => ({ method: 'DELETE', path: pathOf(objects, n) }), operations),
    operationsMax: count,
    async finish() {
      bench.objects.delete(objects.kind)
    },
  }
}

/** How many there are; some are made if there are none. */
export async function ensureObjects(bench: Bench, objects: ObjectKind): Promise<number> {
  const { s3 } = bench.target
  const known = bench.objects.get(objects.kind) ?? 0
  if (known > 0) return known
  const count = objects.sizeBytes < MIB ? bench.scale.readObjects : LARGE_READ_OBJECTS
  await callOnce(s3, { method: 'PUT', path: `/${BUCKET}` })
  const open = callers(s3, (n) => putOf(objects, n))
  const { failures, firstFailure } = await drive({ clients: FILLING_CLIENTS, open, operationsMax: count })
  if (failures > 0) throw new Error(`${objects.kind} could not be made ready: ${firstFailure}`)
  bench.objects.set(objects.kind, count)
  return count
}

function warmUpOf(objects: ObjectKind): ObjectKind {
  return { ...objects, kind: `warm-up/${objects.kind}` }
}
