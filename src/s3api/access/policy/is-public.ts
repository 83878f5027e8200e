import { isIP } from 'node:net'
import type { Condition } from './conditions.ts'
import type { Policy, Statement } from './policy.ts'

/**
 * Whether a policy lets everybody in, by AWS's definition: it allows something to everyone, and no condition narrows that
 * to fixed callers. https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
export function isPublicPolicy({ statements }: Policy): boolean {
  return statements.some(isPublicStatement)
}

function isPublicStatement({ effect, principals, conditions }: Statement): boolean {
  if (effect === 'Deny' || !principals?.list.everyone) return false
  return !conditions.some(narrows)
}

/** Of these keys, each tells who or whence. */
const NARROWING = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:sourceip',
  'aws:userid',
  'aws:username',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
])
const POSITIVE = new Set(['StringEquals', 'StringEqualsIgnoreCase', 'StringLike', 'ArnEquals', 'ArnLike', 'IpAddress'])

/** Only what has to be there, and to be one of a few fixed values. */
function narrows({ operator, key, values, ifExists, quantifier }: Condition): boolean {
  if (ifExists || quantifier === 'ForAllValues' || !POSITIVE.has(operator) || !NARROWING.has(key)) return false
  return key === 'aws:sourceip' ? values.every(isNarrowRange) : values.every((value) => !/[*?]|\$\{/.test(value))
}

/** Wider than /8, or /32 in IPv6, is the whole internet to S3. */
function isNarrowRange(value: string): boolean {
  const [ip = '', bits] = value.split('/')
  const family = isIP(ip)
  return family !== 0 && (bits === undefined || Number(bits) >= (family === 6 ? 32 : 8))
}
