import { type Field, invalid } from '../fields.ts'
import type { ReplyHeaders } from '../operation.ts'

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const

export const overrideParameters: readonly string[] = OVERRIDES.map((name) => `response-${name}`)

/** `response-content-type` and its like: headers of the answer, by lower-case name. Fault: InvalidArgument. */
export const responseOverrides: Field<ReplyHeaders> = {
  from: 'query',
  name: 'response-*',
  reads: overrideParameters,
  read(head) {
    if (head.query.size === 0) return {}
    const overrides: Record<string, string> = {}
    for (const name of OVERRIDES) {
      const value = head.query.get(`response-${name}`)
      if (value) overrides[name] = headerValue(`response-${name}`, value)
    }
    return overrides
  },
}

/** A line break would end the header and begin another. */
function headerValue(name: string, value: string): string {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw invalid(name, value, 'Header value cannot be represented using ISO-8859-1.')
  }
  return value
}
