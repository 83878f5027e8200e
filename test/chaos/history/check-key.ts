import { apply, describeEvent, impossible, type KeyEvent, type KeyState } from './events.ts'

/** Beyond so many configurations the checker gives up, loudly: a history that it cannot judge is not a good one. */
const CONFIGURATIONS_MAX = 2_000_000

/**
 * Whether the events of one key could have happened one after the other, each at a moment between its start and its end:
 * undefined if so, otherwise where it went wrong, in words.
 *
 * Wing & Gong's search, with Lowe's memory of the configurations that led nowhere ("Testing for linearizability", 2017).
 * An event whose outcome is unknown may happen at any time after its start, or never. What keeps the search short:
 * - an unknown write whose ETag somebody saw has happened, before whoever saw it was answered;
 * - a value is over only when all who saw it have been answered with it: it cannot come back, for every write is unique;
 * - what changes nothing and can be true now is taken at once: it cannot be in anybody's way;
 * - of unknown events that nobody can tell apart only the earliest is tried;
 * - an unknown event that the very next one does not depend on might as well not have happened, so it is not tried.
 */
export function checkKey(events: readonly KeyEvent[]): string | undefined {
  const history = sortOut(events)
  const { certain, maybes } = history
  const seen = new Set<string>()
  const stack: Configuration[] = [
    { from: 0, beyond: [], state: undefined, used: maybes.map(() => 0), mustMatter: false },
  ]
  let furthest = stack[0]!
  for (let taken = stack.pop(); taken; taken = stack.pop()) {
    const here = takeWhatChangesNothing(taken, certain)
    if (here.from === certain.length) return undefined
    if (here.from > furthest.from) furthest = here
    const name = nameOf(here)
    if (seen.has(name)) continue
    if (seen.size >= CONFIGURATIONS_MAX) throw new Error(`no verdict after ${seen.size} configurations`)
    seen.add(name)
    stack.push(...maybeSteps(here, history), ...certainSteps(here, history))
  }
  return explain(furthest, certain)
}

/** What has happened so far. */
interface Configuration {
  /** All certain events before this index have happened. */
  from: number
  /** Indexes after it that have happened too, in order. */
  beyond: readonly number[]
  state: KeyState
  /** How many of each group of unknown events have happened. */
  used: readonly number[]
  /** The last event was an unknown one: the next must depend on it. */
  mustMatter: boolean
}

interface History {
  /** By start. */
  certain: KeyEvent[]
  /** Indexes of those who saw an ETag. */
  witnesses: ReadonlyMap<string, readonly number[]>
  /** Groups of events that nobody can tell apart, each by start. */
  maybes: KeyEvent[][]
}

function sortOut(events: readonly KeyEvent[]): History {
  const seenMs = firstSeen(events)
  const certain: KeyEvent[] = []
  const unknown: KeyEvent[] = []
  for (const event of events.toSorted((a, b) => a.startMs - b.startMs)) {
    if (event.kind === 'read' || event.outcome !== 'unknown') certain.push(event)
    else if (event.kind === 'write' && seenMs.has(event.etag)) {
      certain.push({ ...event, outcome: 'done', endMs: seenMs.get(event.etag)! })
    } else unknown.push(event)
  }
  const conditions = events.flatMap((event) => (event.kind === 'write' ? event.condition : []))
  const mentioned = new Set(conditions.flatMap((condition) => (condition.kind === 'matches' ? condition.etag : [])))
  const witnesses = new Map<string, number[]>()
  for (const [index, event] of certain.entries()) {
    const etag = etagThatItSaw(event)
    if (etag !== undefined) witnesses.set(etag, [...(witnesses.get(etag) ?? []), index])
  }
  return { certain, witnesses, maybes: [...Map.groupBy(unknown, (event) => likenessOf(event, mentioned)).values()] }
}

/** When somebody had certainly seen a write, by its ETag. */
function firstSeen(events: readonly KeyEvent[]): Map<string, number> {
  const seenMs = new Map<string, number>()
  for (const event of events) {
    const etag = etagThatItSaw(event)
    if (etag !== undefined) seenMs.set(etag, Math.min(event.endMs, seenMs.get(etag) ?? Number.POSITIVE_INFINITY))
  }
  return seenMs
}

/** Equal for events that nobody can tell apart: nobody saw their ETags, unless a condition mentions one. */
function likenessOf(event: KeyEvent, mentioned: ReadonlySet<string>): string {
  if (event.kind !== 'write') return event.kind
  return JSON.stringify([event.condition, mentioned.has(event.etag) ? event.etag : 'any'])
}

function etagThatItSaw(event: KeyEvent): string | undefined {
  if (event.kind === 'read') return event.found
  const isProof = event.kind === 'write' && event.condition.kind === 'matches' && event.outcome === 'done'
  return isProof && event.condition.kind === 'matches' ? event.condition.etag : undefined
}

/** Until nothing more of the kind can be taken. */
function takeWhatChangesNothing(configuration: Configuration, certain: readonly KeyEvent[]): Configuration {
  let here = configuration
  for (;;) {
    const index = candidates(here, certain).find((i) => changesNothing(certain[i]!, here.state))
    if (index === undefined) return here
    here = { ...here, ...withHappened(here, index), mustMatter: false }
  }
}

function changesNothing(event: KeyEvent, state: KeyState): boolean {
  const isEffectless =
    event.kind === 'read' || event.outcome === 'refused' || ('etag' in event && event.outcome === 'missing')
  return isEffectless && apply(event, state) !== impossible
}

/** Those that may come next: none of the others had ended before they began. */
function candidates({ from, beyond }: Configuration, certain: readonly KeyEvent[]): number[] {
  const found: number[] = []
  let firstEndMs = Number.POSITIVE_INFINITY
  for (let i = from; i < certain.length && certain[i]!.startMs <= firstEndMs; i++) {
    if (beyond.includes(i)) continue
    found.push(i)
    firstEndMs = Math.min(firstEndMs, certain[i]!.endMs)
  }
  return found.filter((i) => certain[i]!.startMs <= firstEndMs)
}

/** The one that ended first is to be tried first: it comes last, for a stack. */
function certainSteps(here: Configuration, { certain, witnesses }: History): Configuration[] {
  return candidates(here, certain)
    .toSorted((a, b) => certain[b]!.endMs - certain[a]!.endMs)
    .flatMap((i) => {
      const state = next(certain[i]!, here)
      const happened = withHappened(here, i)
      if (state === impossible || isStillToBeSeen(here.state, happened, witnesses)) return []
      return [{ ...here, ...happened, state, mustMatter: false }]
    })
}

function maybeSteps(here: Configuration, { certain, witnesses, maybes }: History): Configuration[] {
  if (isStillToBeSeen(here.state, here, witnesses)) return []
  const latestStartMs = Math.min(...candidates(here, certain).map((i) => certain[i]!.endMs))
  return maybes.flatMap((group, g) => {
    const event = group[here.used[g]!]
    if (event === undefined || event.startMs > latestStartMs) return []
    const state = next(event, here)
    if (state === impossible || state === here.state) return []
    return [{ ...here, state, used: here.used.with(g, here.used[g]! + 1), mustMatter: true }]
  })
}

/** Whether somebody who saw this value has yet to happen. */
function isStillToBeSeen(
  value: KeyState,
  { from, beyond }: Pick<Configuration, 'from' | 'beyond'>,
  witnesses: History['witnesses'],
): boolean {
  if (value === undefined) return false
  return (witnesses.get(value) ?? []).some((i) => i >= from && !beyond.includes(i))
}

function next(event: KeyEvent, { state, mustMatter }: Configuration): KeyState | typeof impossible {
  const ignoresState = event.kind === 'delete' || (event.kind === 'write' && event.condition.kind === 'none')
  return mustMatter && ignoresState ? impossible : apply(event, state)
}

function withHappened({ from, beyond }: Configuration, index: number): Pick<Configuration, 'from' | 'beyond'> {
  const happened = new Set([...beyond, index])
  let first = from
  while (happened.delete(first)) first++
  return { from: first, beyond: [...happened].sort((a, b) => a - b) }
}

function nameOf({ from, beyond, state, used, mustMatter }: Configuration): string {
  return `${from} ${beyond.join(',')} ${used.join(',')} ${mustMatter} ${state}`
}

/** The events around the one that found no place. */
function explain({ from, beyond, state }: Configuration, certain: readonly KeyEvent[]): string {
  const stuck = certain[from]!
  const around = certain.filter(({ startMs, endMs }) => endMs >= stuck.startMs - 1 && startMs <= stuck.endMs + 1)
  const before = certain.slice(Math.max(0, from - 6), from)
  const lines = [...new Set([...before, ...around])].map(
    (event) => `${event === stuck ? '>' : beyond.includes(certain.indexOf(event)) ? '✓' : ' '} ${describeEvent(event)}`,
  )
  return `no order explains: ${describeEvent(stuck)} (the furthest way ended with ${state?.slice(0, 8) ?? 'nothing'} there)\n${lines.join('\n')}`
}
