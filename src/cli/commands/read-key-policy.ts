import { readFileSync } from 'node:fs'
import { compactPolicy, parsePolicy } from '../../s3api/access/policy/parse-policy.ts'
import { asFailure } from '../failure.ts'

/** An access key's policy from a file, without white space. Fault: CommandFailure, in the words in which S3 would refuse it. */
export function readKeyPolicy(file: string): string {
  try {
    const text = compactPolicy(readFileSync(file, 'utf8'))
    parsePolicy(text, { of: 'key' })
    return text
  } catch (error) {
    throw asFailure(`The policy in ${file} cannot be taken`, error)
  }
}
