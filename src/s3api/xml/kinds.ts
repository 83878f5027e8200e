import { StoreFault } from '../../base/faults.ts'
import type { TextShape } from './shape.ts'

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

/** ISO 8601 with milliseconds, as S3 writes times in XML. */
export const timestamp: TextShape<Date> = {
  kind: 'text',
  read(value, name) {
    const date = new Date(value.trim())
    if (Number.isNaN(date.getTime())) throw malformed(name)
    return date
  },
  write: (value) => value.toISOString(),
}

/** Quoted when written, quoted or bare when read; unquoted in the program. */
export const etag: TextShape<string> = {
  kind: 'text',
  read: (value) => value.trim().replace(/^"(.*)"$/, '$1'),
  write: (value) => `"${value}"`,
}

function malformed(name: string): StoreFault {
  return new StoreFault('MalformedXML', { reason: `${name} is not what it should be` })
}
