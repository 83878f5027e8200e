import type { ServerNumber } from '../../base/ids.ts'
import type { ListedChunk } from '../../engine/ports/chunk-store.ts'
import { settleMisplaced } from '../misplaced/settle-misplaced.ts'
import type { ChunkStanding } from '../ports/fsck.ts'
import type { CheckContext } from './check-store.ts'
import { tell } from './report.ts'

/** Judged in one statement. */
const CHUNKS_AT_ONCE = 1_000

/** Chunks on a server that no part's row of the range has there. */
export class Strangers {
  readonly #context: CheckContext
  readonly #server: ServerNumber
  #waiting: ListedChunk[] = []

  constructor(context: CheckContext, server: ServerNumber) {
    this.#context = context
    this.#server = server
  }

  async add(chunk: ListedChunk, signal: AbortSignal): Promise<void> {
    this.#waiting.push(chunk)
    if (this.#waiting.length === CHUNKS_AT_ONCE) await this.finish(signal)
  }

  /** Counts those that wait. */
  async finish(signal: AbortSignal): Promise<void> {
    const found = this.#waiting
    if (found.length === 0) return
    this.#waiting = []
    const { catalogue, report } = this.#context
    const standings = await catalogue.judgeChunks({ server: this.#server, chunks: found }, signal)
    const those = (standing: ChunkStanding) => found.filter((_, n) => standings[n] === standing)
    for (const standing of PASSING) report.passing[standing] += those(standing).length
    const [unknown, misplaced, kept] = [those('unknown'), those('misplaced'), those('kept')]
    const order = { server: this.#server, misplaced, kept, adopts: this.#context.options.mends }
    const settled = await settleMisplaced(this.#context, order, signal)
    this.#tell('moved', settled.moved, 'its part has this chunk elsewhere, where it is not')
    await this.#count('orphan', unknown, 'no part refers to it', signal)
    await this.#count('orphan', settled.redundant, 'its part has this chunk elsewhere', signal)
    await this.#count('kept', settled.kept, 'the database may have forgotten it: it was restored', signal)
  }

  /** Once more on the node: chunks are deleted before their rows are, so some may just have gone that way. */
  async #count(
    kind: 'orphan' | 'kept',
    found: readonly ListedChunk[],
    why: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (found.length === 0) return
    const there: ListedChunk[] = []
    let n = 0
    for await (const { failure } of this.#context.chunks.describeChunks(this.#server, found, signal)) {
      const chunk = found[n++]!
      if (failure?.failure !== 'not-found') there.push(chunk)
    }
    this.#tell(kind, there, why)
  }

  #tell(kind: 'orphan' | 'moved' | 'kept', found: readonly ListedChunk[], why: string): void {
    const { report } = this.#context
    const sum = { orphan: report.orphans, moved: report.moved, kept: report.kept }[kind]
    for (const { partId, index, payloadBytes } of found) {
      sum.chunks += 1
      sum.bytes += payloadBytes
      tell(report, { kind, partId, index, server: this.#server, why })
    }
  }
}

/** No faults. */
const PASSING = ['doomed', 'stray', 'unfinished', 'left'] as const
