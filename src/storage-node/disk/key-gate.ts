import { type ChunkKey, keyText } from '../../chunk-files/chunk-key.ts'

/** One thing at a time for each chunk: put, delete and compaction of one id never overlap. In order of asking. */
export class KeyGate {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs at once (before this returns) unless something of that chunk is under way. */
  run<T>(key: ChunkKey, work: () => Promise<T>): Promise<T> {
    const name = keyText(key)
    const before = this.#last.get(name)
    const mine = before === undefined ? work() : before.then(work, work)
    this.#last.set(name, mine)
    const leave = () => {
      if (this.#last.get(name) === mine) this.#last.delete(name)
    }
    mine.then(leave, leave)
    return mine
  }
}
