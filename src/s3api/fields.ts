import { StoreFault } from '../base/faults.ts'
import type { BucketName, ObjectKey } from '../base/ids.ts'
import { parseBucketName } from './names/bucket-name.ts'
import { parseObjectKey } from './names/object-key.ts'
import { headerOf, type RequestHead } from './request-head.ts'

/** One input of an operation: where it stands, and how it is read. */
export interface Field<T> {
  readonly from: 'path' | 'query' | 'header' | 'headers'
  /** For `headers`: what the group is, in a word. */
  readonly name: string
  /** The names of all headers that it reads; for documents and tests. */
  readonly reads?: readonly string[]
  read(head: RequestHead): T
}

export type Fields = Readonly<Record<string, Field<unknown>>>
export type Inputs<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** Reads one value; `name` is for the fault's text. Faults: InvalidArgument and others that the parser names. */
export type Parse<T> = (text: string, name: string) => T

export function readFields<F extends Fields>(fields: F, head: RequestHead): Inputs<F> {
  const inputs: Record<string, unknown> = {}
  for (const name in fields) inputs[name] = fields[name]!.read(head)
  return inputs as Inputs<F>
}

/** The names of the headers that fields read. */
export function headersOf(fields: Fields): Set<string> {
  const fromHeaders = Object.values(fields).filter(({ from }) => from === 'header' || from === 'headers')
  return new Set(fromHeaders.flatMap(({ name, reads }) => reads ?? [name]))
}

export const bucketName: Field<BucketName> = {
  from: 'path',
  name: 'Bucket',
  read: (head) => parseBucketName(head.bucket ?? ''),
}

export const objectKey: Field<ObjectKey> = {
  from: 'path',
  name: 'Key',
  read: (head) => parseObjectKey(head.key ?? ''),
}

/** Present, or the router would have chosen another operation. */
export function query<T>(name: string, parse: Parse<T>): Field<T> {
  return { from: 'query', name, read: (head) => parse(head.query.get(name) ?? '', name) }
}

export function queryOr<T, D>(name: string, parse: Parse<T>, fallback: D): Field<T | D> {
  return {
    from: 'query',
    name,
    read(head) {
      const value = head.query.get(name)
      return value === undefined ? fallback : parse(value, name)
    },
  }
}

export function headerOr<T, D>(name: string, parse: Parse<T>, fallback: D): Field<T | D> {
  return {
    from: 'header',
    name,
    read(head) {
      const value = headerOf(head, name)
      return value === undefined ? fallback : parse(value, name)
    },
  }
}

/** Several headers that say one thing together. */
export function headers<T>(name: string, reads: readonly string[], read: (head: RequestHead) => T): Field<T> {
  return { from: 'headers', name, reads, read }
}

export const asText: Parse<string> = (text) => text

/** A whole number within bounds, both included. Fault: InvalidArgument. */
export function integerIn(min: number, max: number): Parse<number> {
  return (text, name) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(value)) throw invalid(name, text, `Provided ${name} not an integer or within integer range`)
    if (value < min || value > max) {
      throw invalid(name, text, `Argument ${name} must be an integer between ${min} and ${max}`)
    }
    return value
  }
}

/** A count of rows: what is above `max` means `max`, as S3 has it; 2^31 and more is no integer to it. */
export function pageSize(max: number): Parse<number> {
  const parse = integerIn(0, 0x7fff_ffff)
  return (text, name) => (text === '' ? max : Math.min(parse(text, name), max))
}

export const asBoolean: Parse<boolean> = (text) => text.toLowerCase() === 'true'

export const encodingType: Parse<'url' | undefined> = (text, name) => {
  if (text === '') return undefined
  if (text !== 'url') throw invalid(name, text, 'Invalid Encoding Method specified in Request')
  return 'url'
}

export function invalid(name: string, value: string | undefined, reason: string): StoreFault<'InvalidArgument'> {
  const detail = value === undefined ? { name, reason } : { name, value: value.slice(0, 2048), reason }
  return new StoreFault('InvalidArgument', detail)
}

export function invalidRequest(reason: string): StoreFault<'InvalidRequest'> {
  return new StoreFault('InvalidRequest', { reason })
}
