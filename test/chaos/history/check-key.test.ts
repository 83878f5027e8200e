import fc from 'fast-check'
import t from 'tap'
import { checkKey } from './check-key.ts'
import { apply, impossible, type KeyEvent, type KeyState, type WriteCondition } from './events.ts'

const none: WriteCondition = { kind: 'none' }
const absent: WriteCondition = { kind: 'absent' }
const matches = (etag: string): WriteCondition => ({ kind: 'matches', etag })

type Outcome = 'done' | 'refused' | 'missing' | 'unknown'
const write = (
  startMs: number,
  endMs: number,
  etag: string,
  outcome: Outcome = 'done',
  condition: WriteCondition = none,
): KeyEvent => ({
  kind: 'write',
  startMs,
  endMs,
  etag,
  outcome,
  condition,
})
const read = (startMs: number, endMs: number, found?: string): KeyEvent => ({ kind: 'read', startMs, endMs, found })
const remove = (startMs: number, endMs: number, outcome: 'done' | 'unknown' = 'done'): KeyEvent => ({
  kind: 'delete',
  startMs,
  endMs,
  outcome,
})

const right: Record<string, KeyEvent[]> = {
  'nothing happened': [],
  'a write is read': [write(0, 1, 'a'), read(2, 3, 'a')],
  'a read during a write may see either': [write(0, 10, 'a'), read(1, 2), read(3, 4, 'a'), read(5, 6, 'a')],
  'two writes at once, either last': [write(0, 10, 'a'), write(0, 10, 'b'), read(11, 12, 'a')],
  'a write without an answer happens late': [write(0, 5, 'a', 'unknown'), read(6, 7), read(8, 9, 'a')],
  'a write without an answer never happens': [write(0, 5, 'a', 'unknown'), read(6, 7), read(8, 9)],
  'a delete without an answer happens late': [
    write(0, 1, 'a'),
    remove(2, 3, 'unknown'),
    read(4, 5, 'a'),
    read(6, 7),
    write(8, 9, 'b'),
    read(10, 11, 'b'),
  ],
  'one of two conditional creations': [
    write(0, 10, 'a', 'done', absent),
    write(0, 10, 'b', 'refused', absent),
    read(11, 12, 'a'),
  ],
  'a write that nobody saw explains a refusal': [
    write(0, 1, 'a'),
    write(2, 3, 'ghost', 'unknown'),
    write(4, 5, 'b', 'refused', matches('a')),
    write(6, 7, 'c'),
    read(8, 9, 'c'),
  ],
  'If-Match on nothing': [write(0, 1, 'a'), remove(2, 3), write(4, 5, 'b', 'missing', matches('a'))],
}

const wrong: Record<string, KeyEvent[]> = {
  'an acknowledged write is lost': [write(0, 1, 'a'), read(2, 3)],
  'an acknowledged overwrite is lost': [write(0, 1, 'a'), write(2, 3, 'b'), read(4, 5, 'a')],
  'a deleted object is back': [write(0, 1, 'a'), remove(2, 3), read(4, 5, 'a')],
  'a delete is seen, then not': [write(0, 1, 'a'), remove(2, 20), read(3, 4), read(5, 6, 'a')],
  'a new value is seen, then the old one': [write(0, 1, 'a'), write(2, 20, 'b'), read(3, 4, 'b'), read(5, 6, 'a')],
  'two creations both win': [write(0, 10, 'a', 'done', absent), write(0, 10, 'b', 'done', absent)],
  'two If-Match of the same ETag both win': [
    write(0, 1, 'a'),
    write(2, 9, 'b', 'done', matches('a')),
    write(2, 9, 'c', 'done', matches('a')),
  ],
  'a creation is refused where there is nothing': [write(0, 1, 'a', 'refused', absent)],
  'If-Match is refused though it matches': [
    write(0, 1, 'a'),
    write(2, 3, 'b', 'refused', matches('a')),
    read(4, 5, 'a'),
  ],
  'If-Match says that there is nothing where there is something': [
    write(0, 1, 'a'),
    write(2, 3, 'b', 'missing', matches('x')),
  ],
  'a value that nobody wrote': [write(0, 1, 'a'), read(2, 3, 'x')],
  'a write without an answer happens before it was sent': [read(0, 1, 'a'), write(2, 3, 'a', 'unknown')],
  'a write without an answer happens twice': [
    write(0, 1, 'a', 'unknown'),
    read(2, 3, 'a'),
    write(4, 5, 'b'),
    read(6, 7, 'a'),
  ],
  'the same delete without an answer happens twice': [
    write(0, 1, 'a'),
    remove(2, 3, 'unknown'),
    read(4, 5),
    write(6, 7, 'b'),
    read(8, 9, 'b'),
    read(10, 11),
  ],
}

t.test('checkKey: histories that a store may have are accepted', async (t) => {
  for (const [name, events] of Object.entries(right)) t.equal(checkKey(events), undefined, name)
})

t.test('checkKey: each kind of wrong history is found', async (t) => {
  for (const [name, events] of Object.entries(wrong)) t.match(checkKey(events), /^no order explains/, name)
})

interface Draw {
  action: 'read' | 'write' | 'create' | 'replace' | 'delete'
  /** When it takes effect, and how long before and after its client waits. */
  atMs: number
  beforeMs: number
  afterMs: number
  /** Of an If-Match: 0 for an old ETag. */
  guess: number
  /** What became of it; its client hears of it only if it was answered. */
  fate: 'answered' | 'happened' | 'never'
}

/** What clients of a register that is right would see. */
class Register {
  #state: KeyState
  readonly #etags = ['e0']

  take(draw: Draw): KeyEvent {
    const event = this.#ask(draw)
    if (event.kind === 'read') return event
    const next = apply(event, this.#state)
    if (next !== impossible && draw.fate !== 'never') this.#state = next
    return draw.fate === 'answered' ? event : { ...event, outcome: 'unknown' }
  }

  /** With the answer that a client would get. */
  #ask({ action, atMs, beforeMs, afterMs, guess }: Draw): KeyEvent {
    const times = { startMs: atMs - beforeMs, endMs: atMs + afterMs }
    if (action === 'read') return { kind: 'read', ...times, found: this.#state }
    if (action === 'delete') return { kind: 'delete', ...times, outcome: 'done' }
    const old = guess === 0 ? this.#etags.at(-1)! : (this.#state ?? 'e0')
    const etag = `e${this.#etags.length}`
    this.#etags.push(etag)
    const condition = { write: none, create: absent, replace: matches(old) }[action]
    const answers = (['done', 'refused', 'missing'] as const).map(
      (outcome): KeyEvent => ({ kind: 'write', ...times, etag, condition, outcome }),
    )
    return answers.find((answer) => apply(answer, this.#state) !== impossible)!
  }
}

/** `answered`: so many are answered for each two that are not. */
function eventsOfRegister({ size, answered }: { size: number; answered: number }) {
  const draw: fc.Arbitrary<Draw> = fc.record({
    action: fc.constantFrom('read', 'write', 'create', 'replace', 'delete'),
    atMs: fc.integer({ min: 1, max: size * 4 }),
    beforeMs: fc.integer({ min: 0, max: 12 }),
    afterMs: fc.integer({ min: 0, max: 12 }),
    guess: fc.nat(3),
    fate: fc.oneof(
      { weight: answered, arbitrary: fc.constant('answered' as const) },
      { weight: 2, arbitrary: fc.constantFrom('happened' as const, 'never' as const) },
    ),
  })
  return fc.array(draw, { minLength: 1, maxLength: size, size: 'max' }).map((draws) => {
    const register = new Register()
    return draws.toSorted((a, b) => a.atMs - b.atMs).map((one) => register.take(one))
  })
}

t.test('checkKey: whatever a register that is right answers is accepted, also long', async () => {
  fc.assert(
    // Without a liking for small numbers: hundreds of events at one moment take the search for an order forever.
    fc.property(fc.noBias(eventsOfRegister({ size: 300, answered: 40 })), (events) => checkKey(events) === undefined),
    { numRuns: 100, endOnFailure: true },
  )
})

/** The definition, tried out order by order. */
function isExplained(events: readonly KeyEvent[], state: KeyState = undefined): boolean {
  const isOpen = (event: KeyEvent) => event.kind !== 'read' && event.outcome === 'unknown'
  if (events.every(isOpen)) return true
  const latestMs = Math.min(...events.filter((event) => !isOpen(event)).map(({ endMs }) => endMs))
  return events.some((event, i) => {
    if (event.startMs > latestMs) return false
    const happens = isOpen(event) && event.kind === 'write' ? { ...event, outcome: 'done' as const } : event
    const next = apply(happens, state)
    return next !== impossible && isExplained(events.toSpliced(i, 1), next)
  })
}

t.test('checkKey: agrees with the definition on small histories, right and spoilt', async (t) => {
  const verdicts = { right: 0, wrong: 0 }
  const spoil = fc.record({ index: fc.nat(6), found: fc.constantFrom(undefined, 'e1', 'e2', 'e3') })
  fc.assert(
    fc.property(eventsOfRegister({ size: 7, answered: 3 }), fc.option(spoil), (events, spoilt) => {
      const reads = events.flatMap((event, i) => (event.kind === 'read' ? [i] : []))
      const index = reads[(spoilt?.index ?? 0) % reads.length]
      const told =
        spoilt && index !== undefined
          ? events.with(index, { ...events[index]!, kind: 'read', found: spoilt.found } as KeyEvent)
          : events
      const expected = isExplained(told)
      verdicts[expected ? 'right' : 'wrong']++
      return (checkKey(told) === undefined) === expected
    }),
    { numRuns: 5_000 },
  )
  t.ok(verdicts.wrong > 200 && verdicts.right > 200, `both kinds were seen: ${JSON.stringify(verdicts)}`)
})
