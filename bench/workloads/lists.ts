import { drive } from '../load/drive.ts'
import { callers, callOnce, readyCallers } from '../load/s3.ts'
import type { Bench, Plan, Scale, Workload } from './workload.ts'

const PREFIXES = 10
const PAGE_KEYS = 1000
const FILLING_CLIENTS = 64

/** Listings of a bucket by number of its keys, one client: their time is to depend on what they show, not on what there is. */
export function listWorkloads({ listedKeys }: Scale): Workload[] {
  const all = { group: 'lists', unit: 'operation', clients: 1, writes: false } as const
  return listedKeys.flatMap((keys): Workload[] => [
    {
      ...all,
      name: `list-page-of-${keys}`,
      plot: { series: `a page of ${PAGE_KEYS} keys, from the middle`, x: keys },
      plan: (bench) => planList(bench, keys, `max-keys=${PAGE_KEYS}&start-after=${startOf(keys)}`),
    },
    {
      ...all,
      name: `list-folders-of-${keys}`,
      plot: { series: `${PREFIXES} folders, by delimiter`, x: keys },
      plan: (bench) => planList(bench, keys, 'delimiter=%2F'),
    },
  ])
}

async function planList(bench: Bench, keys: number, query: string): Promise<Plan> {
  const { s3 } = bench.target
  const bucket = `bench-list-${keys}`
  await ensureKeys(bench, bucket, keys)
  const call = () => ({ method: 'GET', path: `/${bucket}?list-type=2&${query}` })
  return { warmUp: callers(s3, call), timed: (operations) => readyCallers(s3, call, operations) }
}

/** Objects without bytes, spread evenly over the folders. */
async function ensureKeys({ target: { s3 }, objects }: Bench, bucket: string, keys: number): Promise<void> {
  if (objects.has(bucket)) return
  await callOnce(s3, { method: 'PUT', path: `/${bucket}` })
  const open = callers(s3, (n) => ({ method: 'PUT', path: `/${bucket}/${keyOf(n, keys)}`, body: Buffer.alloc(0) }))
  const { failures, firstFailure } = await drive({ clients: FILLING_CLIENTS, open, operationsMax: keys })
  if (failures > 0) throw new Error(`${bucket} could not be filled: ${firstFailure}`)
  objects.set(bucket, keys)
}

/** So that a whole page follows, as far from either end; where there is no more than a page, it is all. */
function startOf(keys: number): string {
  const left = Math.floor((keys - PAGE_KEYS) / 2)
  return left > 0 ? keyOf(left, keys) : ''
}

/** Of `keys`, in key order. */
function keyOf(n: number, keys: number): string {
  return `folder-${Math.floor((n * PREFIXES) / keys)}/${String(n).padStart(8, '0')}`
}
