import { StoreFault } from '../../../base/faults.ts'

/** A policy that S3 would refuse, in its words where they are known. */
export function malformedPolicy(reason: string): StoreFault<'MalformedPolicy'> {
  return new StoreFault('MalformedPolicy', { reason })
}
