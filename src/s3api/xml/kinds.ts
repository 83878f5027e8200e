import { StoreFault } from '../../base/faults.ts'
import type { TextShape } from './shape.ts'
import { escapeText } from './write-xml.ts'

export const text: TextShape<string> = { kind: 'text', read: (value) => value, write: (value) => value }

/** A whole number from 0 to 2^53. */
export const integer: TextShape<number> = {
  kind: 'text',
  read(value, name) {
    const trimmed = value.trim()
    if (!/^\d{1,15}$/.test(trimmed)) throw malformed(name)
    return Number(trimmed)
  },
  write: (value) => String(value),
  writeXml: (value) => String(value),
}

/** As `integer`, and below zero, so that an answer can say what is wrong with it. */
export const wholeNumber: TextShape<number> = {
  kind: 'text',
  read(value, name) {
    const trimmed = value.trim()
    if (!/^[+-]?\d{1,10}$/.test(trimmed)) throw malformed(name)
    return Number(trimmed)
  },
  write: String,
}

export const boolean: TextShape<boolean> = {
  kind: 'text',
  read(value, name) {
    const trimmed = value.trim().toLowerCase()
    if (trimmed !== 'true' && trimmed !== 'false') throw malformed(name)
    return trimmed === 'true'
  },
  write: (value) => (value ? 'true' : 'false'),
}

/** ISO 8601 with milliseconds, as S3 writes times in XML; years 1000 to 9999. */
export const timestamp: TextShape<Date> = {
  kind: 'text',
  read(value, name) {
    const date = new Date(value.trim())
    if (Number.isNaN(date.getTime())) throw malformed(name)
    return date
  },
  write: (value) => value.toISOString(),
  writeXml: isoTime,
}

/** Quoted when written, quoted or bare when read; unquoted in the program. */
export const etag: TextShape<string> = {
  kind: 'text',
  read: (value) => value.trim().replace(/^"(.*)"$/, '$1'),
  write: (value) => `"${value}"`,
  writeXml: (value) => `&quot;${escapeText(value)}&quot;`,
}

/** As toISOString, in less than half of its time. */
function isoTime(date: Date): string {
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
  const ms = String(date.getUTCMilliseconds()).padStart(3, '0')
  return `${day}T${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}.${ms}Z`
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

function malformed(name: string): StoreFault {
  return new StoreFault('MalformedXML', { reason: `${name} is not what it should be` })
}
