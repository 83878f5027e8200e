/**
 * Milliseconds since 1970 of an HTTP-date in any of its three forms (RFC 9110, section 5.6.7), or undefined.
 * `nowMs` settles the century of a two-digit year: one that looks more than 50 years ahead is past.
 */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const imf = IMF.exec(text)
  if (imf) return at(imf[3]!, imf[2]!, imf[1]!, imf[4]!)
  const rfc850 = RFC850.exec(text)
  if (rfc850) return at(String(fullYear(Number(rfc850[3]), nowMs)), rfc850[2]!, rfc850[1]!, rfc850[4]!)
  const asctime = ASCTIME.exec(text)
  return asctime ? at(asctime[4]!, asctime[1]!, asctime[2]!, asctime[3]!) : undefined
}

/** `20130524T000000Z`, as in x-amz-date, or undefined. */
export function parseAmzDate(text: string): number | undefined {
  if (!AMZ.test(text)) return undefined
  const number = (from: number, to: number) => Number(text.slice(from, to))
  const day = { year: number(0, 4), month: number(4, 6) - 1, day: number(6, 8) }
  return utc(day, { hour: number(9, 11), minute: number(11, 13), second: number(13, 15) })
}

/** The other way: `20130524T000000Z`. */
export function formatAmzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

const TIME = String.raw`(\d{2}:\d{2}:\d{2})`
/** Some clients write the zone as a number. */
const ZONE = '(?:GMT|UTC|\\+0000)'
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const MONTH = `(${MONTHS.join('|')})`
const IMF = new RegExp(`^${DAY}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} ${ZONE}$`)
const RFC850 = new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} ${ZONE}$`)
const ASCTIME = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`)
const AMZ = /^\d{8}T\d{6}Z$/

function at(year: string, month: string, day: string, time: string): number | undefined {
  const [hour, minute, second] = time.split(':').map(Number) as [number, number, number]
  return utc({ year: Number(year), month: MONTHS.indexOf(month), day: Number(day) }, { hour, minute, second })
}

/** `month` from 0. A leap second counts as the second before it, as POSIX time does. */
function utc(
  { year, month, day }: { year: number; month: number; day: number },
  { hour, minute, second }: { hour: number; minute: number; second: number },
): number | undefined {
  if (month < 0 || month > 11 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > (month === 1 && isLeap ? 29 : (MONTH_DAYS[month] as number))) return undefined
  // Date.UTC takes years below 100 for those of the 20th century; nothing was signed or changed then.
  return year < 100 ? undefined : Date.UTC(year, month, day, hour, minute, Math.min(second, 59))
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + twoDigits
  return year > thisYear + 50 ? year - 100 : year
}
