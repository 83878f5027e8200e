import type { OpenClient } from '../load/drive.ts'
import type { Inside } from '../store/inside.ts'
import { POSTGRES_SETTLES_SECONDS } from '../store/postgres-syncs.ts'
import type { Target } from '../store/target.ts'

/** One thing that is measured. */
export interface Workload {
  name: string
  group: Group
  /** What its CPU time is told by. */
  unit: 'GiB' | 'operation'
  clients: number
  /** Whether it changes anything: then syncs are counted. */
  writes: boolean
  /** Where its row stands in the plots. */
  plot?: { series: string; x: number }
  /** Makes ready what it works on. */
  plan(bench: Bench): Promise<Plan>
}

export type Group =
  | 'sizes'
  | 'small'
  | 'text'
  | 'lists'
  | 'clients'
  | 'load'
  | 'nodes'
  | 'database'
  | 'listing'
  | 'scaling'

export interface Bench {
  target: Target
  scale: Scale
  /** How many objects of each kind there are by now. */
  objects: Map<string, number>
  /** Of a store that was started here; opened when it is first asked for. */
  inside(): Promise<Inside>
}

export interface Plan {
  /** Runs for the scale's `warmUpSeconds`, untimed. */
  warmUp: OpenClient
  /** Makes so many operations ready; called once, after the warm-up. */
  timed(operations: number): OpenClient
  /** As many as the warm-up promises for the scale's `seconds`, but no more than this. */
  operationsMax?: number
  /** So many, however long they take. */
  operations?: number
  /** After the timed part. */
  finish?(operations: number): Promise<void>
}

/** How much of everything. */
export interface Scale {
  warmUpSeconds: number
  /** Aimed at for the timed part, by the rate of the warm-up. */
  seconds: number
  /** Waited after what writes, so that PostgreSQL has told its syncs. */
  settleSeconds: number
  objectBytesMax: number
  /** By one workload. */
  writtenBytesMax: number
  /** Small objects that are made ready for reading, where none were written before. */
  readObjects: number
  listedKeys: readonly number[]
  clients: readonly number[]
  /** Of each of 100 uploads at once. */
  uploadBytes: number
  largeFileBytes: number
}

const MIB = 2 ** 20
const GIB = 2 ** 30

const scales: Readonly<Record<string, Scale>> = {
  /** Whether all of it works; the numbers mean nothing. */
  smoke: {
    warmUpSeconds: 0.05,
    seconds: 0.2,
    settleSeconds: 0,
    objectBytesMax: MIB,
    writtenBytesMax: 16 * MIB,
    readObjects: 100,
    listedKeys: [100, 1_000],
    clients: [1, 16],
    uploadBytes: 128 * 1024,
    largeFileBytes: 10 * MIB,
  },
  /** Some minutes. */
  short: {
    warmUpSeconds: 2,
    seconds: 5,
    settleSeconds: POSTGRES_SETTLES_SECONDS,
    objectBytesMax: 64 * MIB,
    writtenBytesMax: 2 * GIB,
    readObjects: 2_000,
    listedKeys: [1_000, 10_000],
    clients: [1, 4, 16, 64],
    uploadBytes: 8 * MIB,
    largeFileBytes: GIB,
  },
  /** Half an hour, and 40 GB of disk. */
  full: {
    warmUpSeconds: 5,
    seconds: 15,
    settleSeconds: POSTGRES_SETTLES_SECONDS,
    objectBytesMax: 64 * MIB,
    writtenBytesMax: 4 * GIB,
    readObjects: 10_000,
    listedKeys: [1_000, 10_000, 100_000, 1_000_000],
    clients: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    uploadBytes: 32 * MIB,
    largeFileBytes: 10 * GIB,
  },
}

/** 4096: `4KiB`. */
export function sizeName(bytes: number): string {
  if (bytes >= GIB) return `${bytes / GIB}GiB`
  return bytes >= MIB ? `${bytes / MIB}MiB` : `${bytes / 1024}KiB`
}

export function scaleOf(name: string): Scale {
  const scale = scales[name]
  if (!scale) throw new Error(`--scale is one of ${Object.keys(scales).join(', ')}`)
  return scale
}
