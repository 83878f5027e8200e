import { CommandFailure } from '../failure.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}
/** PostgreSQL's and JavaScript's calendars both reach further. */
const YEARS_MAX_MS = 1_000 * 365 * 86_400_000
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

/** `now`, a date (`2027-01-31`: the beginning of it in UTC), a time (`2027-01-31T12:00Z`), or what is to go by until then (`90d`). */
export function parseWhen(text: string, nowMs: number): Date {
  if (text === 'now') return new Date(nowMs)
  const ms = durationMs(text)
  const at = ms === undefined ? (DATE.test(text) ? Date.parse(text) : Number.NaN) : nowMs + ms
  if (Number.isNaN(at)) throw wrong(text, 'a date (2027-01-31, 2027-01-31T12:00Z), or a time from now (90d, 12h, 30m)')
  return new Date(at)
}

/** `45s`, `30m`, `12h`, `90d`, `2w`; in ms. */
export function parseDuration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw wrong(text, 'a number with its unit: 45s, 30m, 12h, 90d, 2w')
  return ms
}

function durationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,12})([smhdw])$/.exec(text) ?? []
  if (amount === undefined) return undefined
  const ms = Number(amount) * UNIT_MS[unit!]!
  return ms <= YEARS_MAX_MS ? ms : undefined
}

function wrong(text: string, allowed: string): CommandFailure {
  return new CommandFailure(`${JSON.stringify(text.slice(0, 40))} is no time: give ${allowed}.`, { exitCode: 2 })
}
