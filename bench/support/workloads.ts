import { randomFillSync } from 'node:crypto'
import type { ReadyRequest } from './load.ts'
import { type S3Target, signed } from './s3.ts'
import { call } from './target.ts'

/** How much of everything. */
export interface Scale {
  largeObjects: number
  mediumObjects: number
  smallObjects: number
  listPages: number
}

export const scales = {
  /** Seconds: whether it works at all. */
  smoke: { largeObjects: 4, mediumObjects: 32, smallObjects: 200, listPages: 5 },
  short: { largeObjects: 24, mediumObjects: 512, smallObjects: 6000, listPages: 60 },
  full: { largeObjects: 64, mediumObjects: 2048, smallObjects: 30_000, listPages: 300 },
} as const

export interface Workload {
  name: string
  /** What CPU time is told by. */
  unit: 'GiB' | 'operation'
  plan(s3: S3Target, scale: Scale): Plan
}

interface Plan {
  clients: number
  operations: number
  prepare?: () => Promise<void>
  request(n: number): ReadyRequest
}

const MIB = 2 ** 20
const BUCKET = 'bench-load'

/** The same for all bodies of a size: made once, sent many times. */
const bodies = new Map<number, Buffer>()
function bodyOf(bytes: number): Buffer {
  const body = bodies.get(bytes) ?? randomFillSync(Buffer.alloc(bytes))
  bodies.set(bytes, body)
  return body
}

const put = (name: string, kind: string, bytes: number, clients: number, count: keyof Scale): Workload => ({
  name,
  unit: bytes < MIB ? 'operation' : 'GiB',
  plan: (s3, scale) => ({
    clients,
    operations: scale[count],
    prepare: () => call(s3, 'PUT', `/${BUCKET}`),
    request: (n) => signed(s3, { method: 'PUT', path: `/${BUCKET}/${kind}/${n}`, body: bodyOf(bytes) }),
  }),
})

/** Works on what the PUT of the same kind left. */
const onObjects = (name: string, method: string, kind: string, clients: number, count: keyof Scale): Workload => ({
  name,
  unit: count === 'smallObjects' ? 'operation' : 'GiB',
  plan: (s3, scale) => ({
    clients,
    operations: scale[count],
    request: (n) => ({ ...signed(s3, { method, path: `/${BUCKET}/${kind}/${n}` }), isHead: method === 'HEAD' }),
  }),
})

export const workloads: readonly Workload[] = [
  put('put-64MiB', 'large', 64 * MIB, 4, 'largeObjects'),
  onObjects('get-64MiB', 'GET', 'large', 4, 'largeObjects'),
  put('put-1MiB', 'medium', MIB, 16, 'mediumObjects'),
  onObjects('get-1MiB', 'GET', 'medium', 16, 'mediumObjects'),
  put('put-4KiB', 'small', 4096, 32, 'smallObjects'),
  onObjects('get-4KiB', 'GET', 'small', 32, 'smallObjects'),
  onObjects('head-4KiB', 'HEAD', 'small', 32, 'smallObjects'),
  {
    name: 'list-500',
    unit: 'operation',
    plan: (s3, scale) => ({
      clients: 4,
      operations: scale.listPages,
      request: () => signed(s3, { method: 'GET', path: `/${BUCKET}?list-type=2&max-keys=500&prefix=small%2F` }),
    }),
  },
  onObjects('delete-4KiB', 'DELETE', 'small', 32, 'smallObjects'),
]
