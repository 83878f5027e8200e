import type { DiskFs } from './disk-fs.ts'

interface Rounds {
  running: Promise<void>
  /** Starts when the running one has ended: for those who changed the directory meanwhile. */
  next: Promise<void> | undefined
}

/** Syncs directories; all who ask while one sync is under way share the next. */
export class DirectorySync {
  readonly #fs: DiskFs
  readonly #rounds = new Map<string, Rounds>()
  /** A sync failed, so what was changed there may not last, whatever came of it since. */
  readonly #doubtful = new Set<string>()

  constructor(fs: DiskFs) {
    this.#fs = fs
  }

  /** Resolves when every change that was made in `directory` before this call is durable. */
  sync(directory: string): Promise<void> {
    const rounds = this.#rounds.get(directory)
    if (rounds) {
      rounds.next ??= rounds.running.then(
        () => this.#start(directory),
        () => this.#start(directory),
      )
      return rounds.next
    }
    return this.#start(directory)
  }

  /** As `sync`, but only if an earlier sync failed: a name that is gone may otherwise come back. */
  async settle(directory: string): Promise<void> {
    if (this.#doubtful.has(directory)) await this.sync(directory)
  }

  #start(directory: string): Promise<void> {
    const running = this.#sync(directory)
    const rounds: Rounds = { running, next: undefined }
    this.#rounds.set(directory, rounds)
    const leave = () => {
      if (this.#rounds.get(directory) === rounds && !rounds.next) this.#rounds.delete(directory)
    }
    running.then(leave, leave)
    return running
  }

  async #sync(directory: string): Promise<void> {
    try {
      await this.#fs.syncDirectory(directory)
      this.#doubtful.delete(directory)
    } catch (error) {
      this.#doubtful.add(directory)
      throw error
    }
  }
}
