import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../src/base/clock.ts'
import { ChunkError, type ChunkFailure } from '../../src/base/faults.ts'
import { makePartId, type ServerNumber, type VersionId } from '../../src/base/ids.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import type { CurrentTrace } from '../../src/base/spans.ts'
import { systemClock } from '../../src/base/system.ts'
import type { ClusterCredentials } from '../../src/base/tls/cluster-credentials.ts'
import { type ChunkClient, createChunkClient } from '../../src/chunk-client/client.ts'
import type { ChunkClientSettings } from '../../src/chunk-client/settings.ts'
import type { ChunkHeader, ChunkTrailer, SmallChunk } from '../../src/engine/ports/chunk-store.ts'
import type { ClusterView, StorageServer } from '../../src/engine/ports/cluster.ts'
import { type StorageNode, startStorageNode } from '../../src/storage-node/node.ts'
import type { ChunkDisk, Registry } from '../../src/storage-node/ports.ts'
import type { StorageNodeSettings } from '../../src/storage-node/settings.ts'
import { MemoryDisk } from './memory-disk.ts'

export const TOKEN = 'a-token-for-tests'
export const NODE = 1 as ServerNumber

/** A registry that is always there. */
export const openRegistry: Registry = {
  register: async () => NODE,
  heartbeat: async () => 0,
}

export interface NodeOptions {
  disk?: ChunkDisk
  registry?: Registry
  log?: Log
  settings?: Partial<StorageNodeSettings>
}

export async function startTestNode(options: NodeOptions = {}): Promise<StorageNode> {
  return await startStorageNode({
    disk: options.disk ?? new MemoryDisk(randomUUID()),
    registry: options.registry ?? openRegistry,
    clock: systemClock,
    log: options.log ?? silentLog,
    settings: {
      host: '127.0.0.1',
      port: 0,
      socketPath: '',
      dataDirectory: '',
      advertisedAddress: '',
      zone: '',
      credentials: { token: TOKEN },
      drainMs: 500,
      ...options.settings,
    },
    points: () => [],
  })
}

/** A view of the cluster that a test changes by hand. */
export class HandView implements ClusterView {
  #servers = new Map<ServerNumber, StorageServer>()
  #listeners = new Set<() => void>()

  set(server: Partial<StorageServer> & Pick<StorageServer, 'id' | 'grpcAddress'>): void {
    const number = server.number ?? NODE
    this.#servers.set(number, {
      number,
      socketPath: '',
      dataDirectory: '',
      zone: '',
      status: 'up',
      availableBytes: 1,
      capacityBytes: 1,
      lastHeartbeatAt: new Date(0),
      isStale: false,
      points: [],
      ...server,
    })
    for (const listener of this.#listeners) listener()
  }

  setNode(node: StorageNode, server: Partial<StorageServer> = {}): void {
    this.set({ id: node.serverId, grpcAddress: node.grpcAddress, socketPath: node.socketPath, ...server })
  }

  servers(): ReadonlyMap<ServerNumber, StorageServer> {
    return this.#servers
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }
}

/** A client with times fit for tests, by a token or a certificate. */
export function testClient(
  cluster: ClusterView,
  settings: Partial<ChunkClientSettings> = {},
  by: string | ClusterCredentials = TOKEN,
  { currentTrace, clock = systemClock }: { currentTrace?: CurrentTrace | undefined; clock?: Clock } = {},
): ChunkClient {
  return createChunkClient({
    cluster,
    credentials: typeof by === 'string' ? { token: by } : by,
    clock,
    log: silentLog,
    settings: { connectMs: 10_000, callMs: 10_000, idleMs: 10_000, probeMs: 50, ...settings },
    currentTrace,
  })
}

export function testHeader(index = 0): ChunkHeader {
  const partId = makePartId(Date.now(), { a: randomBytes(2).readUInt16BE(), b: randomBytes(4).readUInt32BE() }, 7)
  const label = {
    bucket: 'bucket',
    key: 'a/key',
    versionId: 'null' as VersionId,
    uploadId: '',
    partNumber: 1,
    storageClass: 'STANDARD',
    headers: { 'content-type': 'text/plain' },
    userMetadata: { name: 'größer' },
    createdMs: 1_700_000_000_000,
  }
  return { partId, index, dataChunks: 6, parityChunks: 2, blockBytes: 131_072, label }
}

export function testTrailer(payload: Uint8Array): ChunkTrailer {
  return {
    partBytes: payload.length * 6,
    chunkHash: createHash('sha256').update(payload).digest(),
    seal: { etag: 'd41d8cd98f00b204e9800998ecf8427e', checksumAlgorithm: '', checksum: '' },
  }
}

export function smallChunk(payload: Uint8Array): SmallChunk {
  return { header: testHeader(), pieces: [payload], trailer: testTrailer(payload) }
}

export const never = new AbortController().signal

/** Why a chunk call failed; undefined when it did not. Any other error is thrown on. */
export async function failureOf(call: Promise<unknown>): Promise<ChunkFailure | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    if (error instanceof ChunkError) return error.failure
    throw error
  }
}
