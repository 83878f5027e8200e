import { createHash } from 'node:crypto'
import { isLinearizable, type KeyCall } from './linearizable.ts'

/** All that clients did, by key, and what the bytes behind every ETag are. */
export class History {
  readonly #calls = new Map<string, KeyCall[]>()
  readonly #contents = new Map<string, Buffer>()

  /** Answers the ETag. */
  noteContent(bytes: Buffer): string {
    const etag = createHash('md5').update(bytes).digest('hex')
    this.#contents.set(etag, bytes)
    return etag
  }

  /** The object that parts of these ETags make. */
  noteMultipart(etags: readonly string[]): string {
    const md5 = createHash('md5')
    for (const etag of etags) md5.update(Buffer.from(etag, 'hex'))
    const whole = `${md5.digest('hex')}-${etags.length}`
    this.#contents.set(whole, Buffer.concat(etags.map((etag) => this.#contents.get(etag)!)))
    return whole
  }

  content(etag: string): Buffer | undefined {
    return this.#contents.get(etag)
  }

  note(key: string, call: KeyCall): void {
    this.#calls.set(key, [...(this.#calls.get(key) ?? []), call])
  }

  get keys(): string[] {
    return [...this.#calls.keys()]
  }

  /** What no plain map could have answered, in words. */
  whatIsWrong(): string[] {
    return [...this.#calls].flatMap(([key, calls]) =>
      isLinearizable(calls) ? [] : [`key ${key}: no order explains\n${calls.map(inWords).join('\n')}`],
    )
  }
}

function inWords({ startMs, endMs, call }: KeyCall): string {
  const when = `  ${startMs.toFixed(1)}..${endMs.toFixed(1)}`
  if ('saw' in call) return `${when} saw ${call.saw ?? 'nothing'}`
  const what = call.etag === undefined ? 'delete' : `write ${call.etag}`
  return `${when} ${what} ${JSON.stringify(call.condition)}: ${call.outcome}`
}
