import { createHash } from 'node:crypto'

/** What happened, in order: kept as a hash, and shown on request. */
export class Trace {
  readonly #hash = createHash('sha256')
  readonly #show: ((line: string) => void) | undefined
  readonly #nowMs: () => number
  lines = 0

  constructor(nowMs: () => number, show?: (line: string) => void) {
    this.#nowMs = nowMs
    this.#show = show
  }

  note(what: string): void {
    const line = `${this.#nowMs().toFixed(3)} ${what}\n`
    this.#hash.update(line)
    this.lines += 1
    this.#show?.(line)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
