import { StoreFault } from '../../base/faults.ts'
import type { Parse } from '../fields.ts'

const VERSION = '1'

/** Where a listing goes on, in a form that promises clients nothing. */
export function makeToken(after: string): string {
  return VERSION + Buffer.from(after).toString('base64url')
}

export interface ContinuationToken {
  /** As it came: listings echo it. */
  text: string
  after: string
}

/** The empty token is the beginning, as S3 has it. Fault: InvalidArgument. */
export const continuationToken: Parse<ContinuationToken> = (text, name) => {
  if (text === '') return { text, after: '' }
  const bytes = Buffer.from(text.slice(1), 'base64url')
  const after = bytes.toString()
  if (makeToken(after) !== text) {
    throw new StoreFault('InvalidArgument', { name, reason: 'The continuation token provided is incorrect' })
  }
  return { text, after }
}
