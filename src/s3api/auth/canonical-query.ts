import { StoreFault } from '../../base/faults.ts'
import { canonicalPercent } from '../names/percent.ts'

/** A query parameter in canonical coding: name and value escaped as SigV4 signs them. */
export interface QueryParameter {
  name: string
  /** undefined: no `=` came. */
  value: string | undefined
}

/** Parameters as they came, in order; empty pieces (`&&`) left out. Fault: InvalidURI (bad escape). */
export function readQuery(query: string | undefined): readonly QueryParameter[] {
  if (!query) return NONE
  const parameters: QueryParameter[] = []
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = canonicalPercent(equals < 0 ? pair : pair.slice(0, equals), 'query')
    const value = equals < 0 ? '' : canonicalPercent(pair.slice(equals + 1), 'query')
    if (name === undefined || value === undefined) throw new StoreFault('InvalidURI', { uri: pair.slice(0, 1024) })
    parameters.push({ name, value: equals < 0 ? undefined : value })
  }
  return parameters
}

/** SigV4's canonical query string: sorted by name, then value; `?uploads` is `uploads=`. */
export function canonicalQuery(parameters: readonly QueryParameter[], leaveOut?: string): string {
  if (parameters.length === 0) return ''
  return parameters
    .filter((parameter) => parameter.name !== leaveOut)
    .sort((a, b) => compare(a.name, b.name) || compare(a.value ?? '', b.value ?? ''))
    .map((parameter) => `${parameter.name}=${parameter.value ?? ''}`)
    .join('&')
}

/** Decoded value of a parameter that may come once. Fault: InvalidArgument (twice), InvalidURI (no UTF-8). */
export function onlyValue(parameters: readonly QueryParameter[], name: string): string | undefined {
  let found: string | undefined
  for (const parameter of parameters) {
    if (parameter.name !== name) continue
    if (found !== undefined) {
      throw new StoreFault('InvalidArgument', { name, reason: `The query parameter ${name} must not be repeated` })
    }
    found = decodeCanonical(parameter.value ?? '')
  }
  return found
}

/** Fault: InvalidURI (no UTF-8). */
export function decodeCanonical(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new StoreFault('InvalidURI', { uri: text.slice(0, 1024) })
  }
}

/** Both are ASCII: UTF-16 order is byte order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const NONE: readonly QueryParameter[] = []
