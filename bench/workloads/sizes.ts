import { callers, readyCallers } from '../load/s3.ts'
import { BUCKET, ensureObjects, type ObjectKind, planDelete, planPut, planRead } from './objects.ts'
import { type Scale, sizeName, type Workload } from './workload.ts'

const KIB = 1024
const MIB = 2 ** 20
const SIZES = [
  { sizeBytes: 4 * KIB, clients: 32 },
  { sizeBytes: 64 * KIB, clients: 32 },
  { sizeBytes: MIB, clients: 16 },
  { sizeBytes: 8 * MIB, clients: 8 },
  { sizeBytes: 64 * MIB, clients: 4 },
]
const SMALL_CLIENTS = 32
const LISTED = 500

/** PUT and GET by size, and what else is done to small objects. */
export function sizeWorkloads(scale: Scale): Workload[] {
  const sizes = SIZES.filter(({ sizeBytes }) => sizeBytes <= scale.objectBytesMax)
  return [...sizes.flatMap(putAndGet), ...smallWorkloads(), ...sizes.filter(isOfText).flatMap(textWorkloads)]
}

function putAndGet({ sizeBytes, clients }: { sizeBytes: number; clients: number }): Workload[] {
  const name = sizeName(sizeBytes)
  const objects = { kind: name, sizeBytes }
  const both = { group: 'sizes', unit: unitOf(sizeBytes), clients } as const
  return [
    {
      ...both,
      name: `put-${name}`,
      writes: true,
      plot: { series: 'PUT', x: sizeBytes },
      plan: (bench) => planPut(bench, objects),
    },
    {
      ...both,
      name: `get-${name}`,
      writes: false,
      plot: { series: 'GET', x: sizeBytes },
      plan: (bench) => planRead(bench, { method: 'GET', objects }),
    },
  ]
}

/** For a store that compresses (SEXTANT_DEFAULT_COMPRESSION): all other bodies are random. */
function textWorkloads({ sizeBytes, clients }: { sizeBytes: number; clients: number }): Workload[] {
  const name = `${sizeName(sizeBytes)}-text`
  const objects = { kind: name, sizeBytes, isText: true }
  const both = { group: 'text', unit: unitOf(sizeBytes), clients } as const
  return [
    { ...both, name: `put-${name}`, writes: true, plan: (bench) => planPut(bench, objects) },
    { ...both, name: `get-${name}`, writes: false, plan: (bench) => planRead(bench, { method: 'GET', objects }) },
  ]
}

function isOfText({ sizeBytes }: { sizeBytes: number }): boolean {
  return sizeBytes === 4 * KIB || sizeBytes === 64 * MIB
}

function unitOf(sizeBytes: number): Workload['unit'] {
  return sizeBytes < MIB ? 'operation' : 'GiB'
}

function smallWorkloads(): Workload[] {
  const objects: ObjectKind = { kind: '4KiB', sizeBytes: 4 * KIB }
  const all = { group: 'small', unit: 'operation', clients: SMALL_CLIENTS } as const
  return [
    {
      ...all,
      name: 'head-4KiB',
      writes: false,
      plan: (bench) => planRead(bench, { method: 'HEAD', objects }),
    },
    {
      ...all,
      name: 'list-500',
      writes: false,
      clients: 4,
      async plan(bench) {
        await ensureObjects(bench, objects)
        const path = `/${BUCKET}?list-type=2&max-keys=${LISTED}&prefix=4KiB%2F`
        const call = () => ({ method: 'GET', path })
        const { s3 } = bench.target
        return { warmUp: callers(s3, call), timed: (operations) => readyCallers(s3, call, operations) }
      },
    },
    {
      ...all,
      name: 'delete-4KiB',
      writes: true,
      plan: (bench) => planDelete(bench, objects),
    },
  ]
}
