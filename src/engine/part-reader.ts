import { NOWHERE, type ServerNumber } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { chunkSeeds } from '../striping/checksum.ts'
import { type BlockRun, payloadBytes } from '../striping/layout.ts'
import { type BlockSource, type BlockSpan, openBlockSource } from './block-source.ts'
import type { EngineDeps } from './deps.ts'
import type { ChunkPlace } from './ports/chunk-store.ts'
import type { StoredChunk } from './ports/local-chunks.ts'

export type ReadDeps = Pick<
  EngineDeps,
  | 'chunks'
  | 'damage'
  | 'localChunks'
  | 'chunkCache'
  | 'readMemory'
  | 'streaming'
  | 'hedging'
  | 'late'
  | 'pool'
  | 'clock'
  | 'log'
  | 'settings'
>

const nowhere: BlockSource = { block: async () => undefined }

/**
 * One reading of a part: where each of its chunks is read, and what is open for that. Chunks that lie on this host are read
 * there until that fails; others come from their nodes, by a stream each, or block by block where too many streams are open.
 */
export class PartReader implements Disposable {
  readonly deps: ReadDeps
  readonly layout: PartLayout
  /** The caller's; what is open at the end is ended by `dispose`. */
  readonly signal: AbortSignal
  readonly #blocks: BlockRun
  readonly #payloadBytes: number
  #seeds: number[] | undefined
  /** By chunk: whether to try it on this host. */
  readonly #isHere: boolean[]
  readonly #fromNode: (BlockSource | undefined)[] = []
  /** Servers that were late in this reading. */
  #suspects: Set<ServerNumber> | undefined
  /** Ends the streams. */
  #stop: AbortController | undefined
  #ends: AbortSignal | undefined
  /** undefined: not asked for yet; null: there was none. */
  #slot: Disposable | null | undefined

  constructor(deps: ReadDeps, layout: PartLayout, blocks: BlockRun, signal: AbortSignal) {
    this.deps = deps
    this.layout = layout
    this.signal = signal
    this.#blocks = blocks
    this.#payloadBytes = payloadBytes(layout)
    this.#isHere = layout.servers.map((server, index) => server !== NOWHERE && this.#has(server, index))
  }

  /** Of a chunk: what its blocks' checksums go on from. */
  seed(index: number): number {
    this.#seeds ??= chunkSeeds(this.layout.partId, DATA_CHUNKS + this.layout.parityChunks)
    return this.#seeds[index]!
  }

  server(index: number): ServerNumber {
    return this.layout.servers[index] ?? NOWHERE
  }

  chunk(index: number): StoredChunk {
    return { partId: this.layout.partId, index, payloadBytes: this.#payloadBytes }
  }

  isHere(index: number): boolean {
    return this.#isHere[index] ?? false
  }

  /** Whether all of the part's bytes are to be read on this host. */
  get isAtHand(): boolean {
    for (let index = 0; index < DATA_CHUNKS; index++) {
      if (!this.isHere(index) && !this.needsPlace(index)) return false
    }
    return true
  }

  /** From now on this chunk is read from its node. */
  leaveToNode(index: number): void {
    this.#isHere[index] = false
  }

  /** Whether its node is to be asked where this chunk lies on this host. */
  needsPlace(index: number): boolean {
    if (this.isHere(index) || this.#fromNode[index]) return false
    const server = this.server(index)
    const isHereSomewhere = server !== NOWHERE && this.deps.localChunks.needsPlace(server, this.chunk(index))
    return isHereSomewhere && this.#isLikely(server)
  }

  found(index: number, place: ChunkPlace): void {
    this.deps.localChunks.learn(this.server(index), this.chunk(index), place)
    this.#isHere[index] = this.#has(this.server(index), index)
  }

  /** Neither here nor from its node. */
  giveUp(index: number): void {
    this.leaveToNode(index)
    this.#fromNode[index] = nowhere
  }

  isWorthAsking(index: number): boolean {
    const server = this.server(index)
    return server !== NOWHERE && (this.isHere(index) || this.#isLikely(server))
  }

  /** Its server is late: what else it has is asked for last. */
  suspect(index: number): void {
    this.#suspects ??= new Set()
    this.#suspects.add(this.server(index))
  }

  /** The next block of a chunk from its node; ask in stripe order. Never rejects; undefined: lost, rotten or out of reach. */
  async nextFromNode(index: number, stripe: number): Promise<Uint8Array | undefined> {
    // Decided once: a stream gives its blocks in order.
    this.#fromNode[index] ??= this.isWorthAsking(index) ? this.#open(index, stripe) : nowhere
    return await this.#fromNode[index].block(stripe)
  }

  /** One block by itself from its node, as a rebuild needs it. Never rejects. */
  oneFromNode(index: number, stripe: number): Promise<Uint8Array | undefined> {
    return openBlockSource(this.deps, this.layout, this.#span(index, stripe, stripe), this.signal).block(stripe)
  }

  [Symbol.dispose](): void {
    this.#stop?.abort()
    this.#slot?.[Symbol.dispose]()
    this.#slot = null
  }

  #isLikely(server: ServerNumber): boolean {
    const { chunks, late } = this.deps
    return chunks.isReachable(server) && !late.reads.has(server) && !this.#suspects?.has(server)
  }

  #has(server: ServerNumber, index: number): boolean {
    return this.deps.localChunks.has(server, this.chunk(index))
  }

  /** A chunk that travels whole needs no stream, nor anything to end it with. */
  #open(index: number, firstStripe: number): BlockSource {
    const { deps, layout, signal } = this
    deps.late.reads.use(this.server(index))
    const span = this.#span(index, firstStripe, this.#lastStripe(index))
    if (this.#payloadBytes <= deps.settings.messageChunkBytesMax) return openBlockSource(deps, layout, span, signal)
    if (!this.#takesStreams()) return { block: (stripe) => this.oneFromNode(index, stripe) }
    this.#stop ??= new AbortController()
    this.#ends ??= AbortSignal.any([signal, this.#stop.signal])
    return openBlockSource(deps, layout, span, this.#ends)
  }

  #span(index: number, firstStripe: number, lastStripe: number): BlockSpan {
    return { index, seed: this.seed(index), firstStripe, lastStripe }
  }

  /** Without a slot: block by block, by batched calls. Slow clients hold nobody else up. */
  #takesStreams(): boolean {
    this.#slot ??= this.deps.streaming.tryTake() ?? null
    return this.#slot !== null
  }

  /** The last stripe whose block of this chunk is asked for. */
  #lastStripe(index: number): number {
    const stripe = Math.floor(this.#blocks.last / DATA_CHUNKS)
    return stripe * DATA_CHUNKS + index <= this.#blocks.last ? stripe : stripe - 1
  }
}
