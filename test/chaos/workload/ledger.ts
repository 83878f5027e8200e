import { checkKey } from '../history/check-key.ts'
import type { KeyEvent } from '../history/events.ts'
import type { Body } from './bodies.ts'
import type { Range } from './client.ts'

/** All that clients asked and were told: what the store is judged by. */
export class Ledger {
  readonly #events = new Map<string, KeyEvent[]>()
  readonly #bodies = new Map<string, Body>()
  /** What no store may do, whatever befalls it, in words. */
  readonly faults: string[] = []
  /** What failed requests were answered, if anything. */
  readonly failureStatuses = new Set<number>()
  /** Failed requests that got no answer, or a part of one. */
  unanswered = 0
  /** Operations by their kind and outcome. */
  readonly counts = new Map<string, number>()

  constructor(keys: readonly string[]) {
    for (const key of keys) this.#events.set(key, [])
  }

  get keys(): readonly string[] {
    return [...this.#events.keys()]
  }

  get operations(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }

  get answered(): number {
    return this.operations - this.failures
  }

  /** Operations that got an error, or no answer. */
  get failures(): number {
    return [...this.counts].reduce(
      (sum, [what, count]) => (/: (failed|nobody there)$/.test(what) ? sum + count : sum),
      0,
    )
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  expect(body: Body): void {
    this.#bodies.set(body.etag, body)
  }

  note(key: string, event: KeyEvent): void {
    this.#events.get(key)!.push(event)
  }

  /** What was served of an object under this ETag: all of the range, nothing else, and what was written. */
  checkBytes(key: string, etag: string, { range, served }: { range: Range | undefined; served: Uint8Array }): void {
    const body = this.#bodies.get(etag)
    if (!body) {
      this.faults.push(`${key} was served with the ETag ${etag}, which nobody wrote`)
      return
    }
    const { first, last } = range ?? { first: 0, last: body.sizeBytes - 1 }
    if (
      !Buffer.concat(body.parts())
        .subarray(first, last + 1)
        .equals(served)
    ) {
      this.faults.push(`${key} was served with wrong bytes: ${served.length} for ${first}-${last} of ${etag}`)
    }
  }

  checkListed(
    listed: readonly { Key?: string | undefined; ETag?: string | undefined; Size?: number | undefined }[],
  ): void {
    for (const { Key, ETag, Size } of listed) {
      const body = this.#bodies.get(ETag?.replaceAll('"', '') ?? '')
      if (!this.#events.has(Key!)) this.faults.push(`${Key} is listed, and nobody wrote it`)
      else if (Size !== body?.sizeBytes) this.faults.push(`${Key} is listed with ${Size} bytes and the ETag ${ETag}`)
    }
  }

  /** What was acknowledged. */
  get acknowledged(): number {
    return [...this.#events.values()].flat().filter((event) => event.kind !== 'read' && event.outcome === 'done').length
  }

  /** For people: how often what was answered how. */
  describe(): string {
    const counts = [...this.counts].sort().map(([what, count]) => `${what} ${count}`)
    return `${this.answered} operations, ${this.failures} failures: ${counts.join(', ')}`
  }

  /** Keys whose events no order explains, in words. */
  violations(): string[] {
    return [...this.#events].flatMap(([key, events]) => {
      const violation = checkKey(events)
      return violation === undefined ? [] : [`${key}: ${violation}`]
    })
  }
}
