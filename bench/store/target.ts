import type { S3Target } from '../load/s3.ts'
import type { Probes } from './probes.ts'
import type { ProcessKind } from './processes.ts'
import { type StoreOptions, startStore } from './start-store.ts'

/** The server under load. */
export interface Target extends AsyncDisposable {
  s3: S3Target
  /** The roots of its process trees; none: CPU and memory are not told. */
  pids: readonly number[]
  /** What only a store that was started here has. */
  own: OwnStore | undefined
}

export interface OwnStore {
  directory: string
  databaseUrl: string
  probes: Probes
  /** By kind of process, so far. PostgreSQL's come late: see POSTGRES_SETTLES_SECONDS. */
  syncs(): Promise<Partial<Record<ProcessKind, number>>>
}

export interface TargetOptions extends StoreOptions {
  endpoint?: string | undefined
  /** With commas between them. */
  pid?: string | undefined
}

/** A fresh store of our own on free ports, or the server that the options name, with keys from the AWS_* variables. */
export async function openTarget({ endpoint, pid, ...options }: TargetOptions = {}): Promise<Target> {
  if (endpoint === undefined) return await startStore(options)
  const { protocol, hostname, port } = new URL(endpoint)
  if (protocol !== 'http:') throw new Error(`${endpoint}: only http is spoken here`)
  return {
    s3: {
      host: hostname,
      port: Number(port || 80),
      accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? '',
      region: process.env.AWS_REGION ?? 'us-east-1',
    },
    pids: pid?.split(',').map(Number) ?? [],
    own: undefined,
    async [Symbol.asyncDispose]() {},
  }
}
