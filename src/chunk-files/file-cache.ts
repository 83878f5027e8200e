interface Entry<T> {
  readonly file: Promise<T>
  users: number
  /** Used since dropIdle was last called. */
  isFresh: boolean
  /** Out of the cache: closed when the last user leaves. */
  isDropped: boolean
}

/** Open files by name, the least recently used closed first; none is closed under a reader. */
export class FileCache<T extends { close(): Promise<void> }> implements AsyncDisposable {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #filesMax: number
  /** Closing, which somebody may want to see ended. */
  readonly #closing = new Set<Promise<void>>()

  constructor(filesMax: number) {
    this.#filesMax = filesMax
  }

  /** Runs `work` with the file, opening it with `open` if it is not open; both may throw. */
  async use<R>(name: string, open: () => Promise<T>, work: (file: T) => Promise<R>): Promise<R> {
    const entry = this.#enter(name, open)
    try {
      return await work(await entry.file)
    } finally {
      entry.users -= 1
      if (entry.isDropped && entry.users === 0) this.#close(entry)
    }
  }

  #enter(name: string, open: () => Promise<T>): Entry<T> {
    const known = this.#entries.get(name)
    if (known) {
      this.#entries.delete(name)
      this.#entries.set(name, known)
      known.users += 1
      known.isFresh = true
      return known
    }
    const entry: Entry<T> = { file: open(), users: 1, isFresh: true, isDropped: false }
    this.#entries.set(name, entry)
    entry.file.catch(() => {
      if (this.#entries.get(name) === entry) this.drop(name)
    })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#filesMax) break
      this.drop(oldest)
    }
    return entry
  }

  /** The next user opens the file anew. */
  drop(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#entries.delete(name)
    entry.isDropped = true
    if (entry.users === 0) this.#close(entry)
  }

  /** Closes what was not used since the last call. */
  dropIdle(): void {
    for (const [name, entry] of this.#entries) {
      if (!entry.isFresh && entry.users === 0) this.drop(name)
      entry.isFresh = false
    }
  }

  #close(entry: Entry<T>): void {
    // What could not be opened needs no closing; a failed close of a file that was only read loses nothing.
    const closing = entry.file.then((file) => file.close()).catch(() => {})
    this.#closing.add(closing)
    void closing.finally(() => this.#closing.delete(closing))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#entries.keys()]) this.drop(name)
    await Promise.all(this.#closing)
  }
}
