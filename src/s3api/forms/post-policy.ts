import { StoreFault } from '../../base/faults.ts'

/** What a form's policy lets it do. */
export interface PostPolicy {
  expiresAtMs: number
  conditions: readonly Condition[]
}

type Condition =
  | { kind: 'eq' | 'starts-with'; field: string; value: string; text: string }
  | { kind: 'content-length-range'; minBytes: number; maxBytes: number }

export interface SizeRange {
  minBytes: number
  maxBytes: number
}

/**
 * A policy out of its base64: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 * Fault: InvalidPolicyDocument.
 */
export function parsePolicy(base64: string): PostPolicy {
  const document = parseJson(Buffer.from(base64, 'base64').toString())
  if (typeof document !== 'object' || document === null) throw invalidPolicy('Invalid JSON.')
  const { expiration, conditions } = document as { expiration?: unknown; conditions?: unknown }
  if (expiration === undefined) throw invalidPolicy('Policy missing expiration.')
  if (conditions === undefined) throw invalidPolicy('Policy missing conditions.')
  const isTime = typeof expiration === 'string' && ISO_8601.test(expiration)
  const expiresAtMs = isTime ? Date.parse(expiration) : Number.NaN
  if (Number.isNaN(expiresAtMs)) throw invalidPolicy(`Invalid 'expiration' value: '${String(expiration)}'`)
  if (!Array.isArray(conditions)) throw invalidPolicy('Policy could not be parsed as a list of conditions.')
  return { expiresAtMs, conditions: conditions.flatMap(parseCondition) }
}

/**
 * Whether the form is as its policy says; answers how large its file may be. Every field has to be named by a condition,
 * and so has the bucket, or a signature for one could be used for another.
 * Fault: AccessDenied.
 */
export function checkPolicy(
  { expiresAtMs, conditions }: PostPolicy,
  { fields, bucket, nowMs }: { fields: ReadonlyMap<string, string>; bucket: string; nowMs: number },
): SizeRange {
  if (nowMs >= expiresAtMs) throw denied('Policy expired.')
  const form = new Map([...fields, ['bucket', bucket]])
  const covered = new Set<string>()
  const range = { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY }
  for (const condition of conditions) {
    if (condition.kind === 'content-length-range') {
      range.minBytes = Math.max(range.minBytes, condition.minBytes)
      range.maxBytes = Math.min(range.maxBytes, condition.maxBytes)
    } else {
      covered.add(condition.field)
      if (!holds(condition, form.get(condition.field))) throw denied(`Policy Condition failed: ${condition.text}`)
    }
  }
  const extra = [...form.keys()].filter((name) => !covered.has(name) && !isExempt(name))
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`)
  return range
}

function isExempt(field: string): boolean {
  return EXEMPT.has(field) || field.startsWith('x-ignore-')
}

const EXEMPT = new Set(['awsaccesskeyid', 'policy', 'signature', 'x-amz-signature'])

function holds({ kind, field, value }: Extract<Condition, { field: string }>, given: string | undefined): boolean {
  if (given === undefined) return false
  if (kind === 'eq') return given === value
  // Each of several types has to begin so.
  const all = field === 'content-type' ? given.split(',') : [given]
  return all.every((each) => each.trim().startsWith(value) || each.startsWith(value))
}

/** `{"acl": "private"}`, `["eq", "$acl", "private"]`, `["starts-with", "$key", "user/"]`, `["content-length-range", 1, 10]` */
function parseCondition(condition: unknown): Condition[] {
  const text = JSON.stringify(condition)
  if (Array.isArray(condition)) return [parseList(condition, text)]
  if (typeof condition !== 'object' || condition === null) throw badCondition(text)
  const entries = Object.entries(condition)
  if (entries.length === 0) throw invalidPolicy('Invalid Condition: an empty one')
  return entries.map(([name, value]): Condition => {
    if (typeof value !== 'string') throw badCondition(text)
    const list = JSON.stringify(['eq', `$${name}`, value])
    return { kind: 'eq', field: name.toLowerCase(), value, text: list }
  })
}

function parseList(list: readonly unknown[], text: string): Condition {
  const [operator, a, b] = list
  if (list.length !== 3 || typeof operator !== 'string') throw badCondition(text)
  const kind = operator.toLowerCase()
  if (kind === 'content-length-range') {
    const [minBytes, maxBytes] = [sizeOf(a), sizeOf(b)]
    if (minBytes === undefined || maxBytes === undefined || minBytes > maxBytes) throw badCondition(text)
    return { kind, minBytes, maxBytes }
  }
  if ((kind !== 'eq' && kind !== 'starts-with') || typeof a !== 'string' || !a.startsWith('$')) throw badCondition(text)
  if (typeof b !== 'string') throw badCondition(text)
  return { kind, field: a.slice(1).toLowerCase(), value: b, text }
}

/** A number, or one in a text, as S3 takes both. */
function sizeOf(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

/** S3 lets a dollar sign be escaped, which JSON does not know. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/\\([\s\S])/g, (pair, char) => (char === '$' ? '$' : pair)))
  } catch (cause) {
    throw invalidPolicy('Invalid JSON.', cause)
  }
}

function badCondition(text: string): StoreFault {
  return invalidPolicy(`Invalid Condition: ${text.slice(0, 256)}`)
}

function invalidPolicy(reason: string, cause?: unknown): StoreFault {
  return new StoreFault('InvalidPolicyDocument', { reason }, { cause })
}

function denied(violation: string): StoreFault {
  return new StoreFault('AccessDenied', { reason: violation, policyViolation: violation })
}
