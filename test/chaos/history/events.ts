/** What one client asked of one key, and what it was told. Every body is unique, so an ETag names one write. */
export type KeyEvent = ReadEvent | WriteEvent | DeleteEvent

interface Timed {
  /** When the request was sent, and when its answer had come: ms of one clock. */
  startMs: number
  endMs: number
}

/** A GET or HEAD, or what a listing told of this key. One that failed is no event. */
export interface ReadEvent extends Timed {
  kind: 'read'
  /** The ETag; undefined when there was no such object. */
  found: string | undefined
}

export interface WriteEvent extends Timed {
  kind: 'write'
  etag: string
  condition: WriteCondition
  /**
   * done: 200. refused: 412, because there was an object (or none) that the condition does not like. missing: 404, If-Match
   * on nothing. unknown: an error, or no answer at all; it may take effect at any time after `startMs`, or never.
   */
  outcome: 'done' | 'refused' | 'missing' | 'unknown'
}

/** none; If-None-Match: *; If-Match with one ETag. */
export type WriteCondition = { kind: 'none' } | { kind: 'absent' } | { kind: 'matches'; etag: string }

export interface DeleteEvent extends Timed {
  kind: 'delete'
  outcome: 'done' | 'unknown'
}

/** The ETag of what is there, or undefined. */
export type KeyState = string | undefined

/** The state after the event took effect and answered as it did; `impossible` where no store could have answered so. */
export function apply(event: KeyEvent, state: KeyState): KeyState | typeof impossible {
  switch (event.kind) {
    case 'read':
      return event.found === state ? state : impossible
    case 'delete':
      return undefined
    case 'write':
      return applyWrite(event, state)
  }
}

export const impossible = Symbol('impossible')

function applyWrite({ etag, condition, outcome }: WriteEvent, state: KeyState): KeyState | typeof impossible {
  if (outcome === 'missing') return state === undefined ? state : impossible
  const holds =
    condition.kind === 'none' ||
    (condition.kind === 'absent' && state === undefined) ||
    (condition.kind === 'matches' && state === condition.etag)
  if (outcome === 'refused') return holds || (condition.kind === 'matches' && state === undefined) ? impossible : state
  return holds ? etag : impossible
}

/** For people: `12.345-12.401 write 5d41402a if absent: refused`. */
export function describeEvent(event: KeyEvent): string {
  const times = `${seconds(event.startMs)}-${seconds(event.endMs)}`
  if (event.kind === 'read') return `${times} read ${short(event.found)}`
  if (event.kind === 'delete') return `${times} delete: ${event.outcome}`
  const { condition } = event
  const when = { none: '', absent: ' if absent', matches: ` if ${short('etag' in condition ? condition.etag : '')}` }
  return `${times} write ${short(event.etag)}${when[condition.kind]}: ${event.outcome}`
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? (ms / 1000).toFixed(4) : 'never'
}

function short(etag: string | undefined): string {
  return etag === undefined ? 'nothing' : etag.slice(0, 8)
}
