import { ChunkError } from '../../../src/base/faults.ts'
import type { ServerNumber } from '../../../src/base/ids.ts'
import type { ChunkName } from '../../../src/engine/ports/chunk-store.ts'
import type { ClusterView } from '../../../src/engine/ports/cluster.ts'
import type { OpenChunkDisk } from '../../../src/storage-node/disk/chunk-disk.ts'
import type { Chance } from './chance.ts'
import type { Life } from './life.ts'
import type { Network } from './network.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** A storage node as it is found at its address. */
export interface NodeHost {
  readonly running: RunningNode | undefined
}

export interface RunningNode {
  readonly life: Life
  readonly disk: OpenChunkDisk
}

export interface ChunkLineDeps {
  timeline: Timeline
  chance: Chance
  network: Network
  trace: Trace
  cluster: ClusterView
  /** By address. */
  hosts: ReadonlyMap<string, NodeHost>
  /** Told of a chunk whose writer gave up waiting: it may be there, now or later. */
  onGivenUp: (server: ServerNumber, chunk: ChunkName) => void
  /** Of the caller. */
  name: string
  life: Life
}

export type NodeWork<T> = (disk: OpenChunkDisk, node: RunningNode) => Promise<T>

/** How long a call waits for its answer; and how long a server that was not reached is not asked, ms. */
const CALL_MS = 8_000
const DOWN_MS = 1_000
/** Until a broken connection is noticed, ms. */
const RESET_MS = 5

/** One gateway's connections to all nodes: a call and its answer are a message each. */
export class ChunkLine {
  readonly deps: ChunkLineDeps
  readonly #downUntilMs = new Map<ServerNumber, number>()

  constructor(deps: ChunkLineDeps) {
    this.deps = deps
  }

  isReachable(server: ServerNumber): boolean {
    const { cluster, timeline } = this.deps
    const known = cluster.servers().get(server)
    if (!known || known.isStale || known.status === 'failed' || known.status === 'removed') return false
    return (this.#downUntilMs.get(server) ?? 0) <= timeline.nowMs
  }

  /** Rejects with a ChunkError. The work may be done although it does, now or later, and twice. */
  async call<T>(
    { server, what }: { server: ServerNumber; what: string },
    work: NodeWork<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { timeline, network, trace, name, life } = this.deps
    if (signal.aborted) throw aborted(signal)
    const { address, find } = this.target(server)
    trace.note(`${name} > ${address}: ${what}`)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const fail = (reason: string) => {
      this.noteUnreachable(server)
      reject(unreachable(reason))
    }
    using _late = timeline.after(CALL_MS, () => fail('no answer in time'))
    const onAbort = () => reject(aborted(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    network.send(name, address, () => {
      const node = find()
      if (!node) return void timeline.after(RESET_MS, () => fail('nobody listens there'))
      const answer = (settle: () => void) => () => network.send(address, name, settle)
      node.life.onEnd(() => timeline.after(RESET_MS, () => fail('the connection broke')))
      trace.note(`${address}: ${what}`)
      node.life.hear(work(node.disk, node)).then(
        (value) => answer(() => resolve(value))(),
        (error) => answer(() => reject(asChunkError(error)))(),
      )
    })
    try {
      return await life.hear(promise)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Who answers at a server's address, as long as it is that server. */
  target(server: ServerNumber): { address: string; find: () => RunningNode | undefined } {
    const { cluster, hosts } = this.deps
    const known = cluster.servers().get(server)
    if (!known || known.status === 'removed') throw unreachable(`server ${server} is not part of the cluster`)
    const find = () => {
      const running = hosts.get(known.grpcAddress)?.running
      return running?.disk.serverId === known.id ? running : undefined
    }
    return { address: known.grpcAddress, find }
  }

  noteUnreachable(server: ServerNumber): void {
    this.#downUntilMs.set(server, this.deps.timeline.nowMs + DOWN_MS)
  }
}

export function unreachable(reason: string): ChunkError {
  return new ChunkError('unreachable', reason)
}

export function aborted(signal: AbortSignal): ChunkError {
  return new ChunkError('aborted', 'the call was given up', { cause: signal.reason })
}

/** As src/storage-node/status.ts has it: what is not foreseen is told as `failed`. */
export function asChunkError(error: unknown): ChunkError {
  return error instanceof ChunkError ? error : new ChunkError('failed', String(error))
}
