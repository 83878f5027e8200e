import { StoreFault } from '../base/faults.ts'
import type { ObjectLock } from '../base/model.ts'
import type { BodyClaims } from './engine.ts'

/**
 * What is to be kept must have come as it was meant, a part of it too. A signature over the body is no proof, as on S3.
 * Fault: InvalidRequest.
 */
export function checkProof(what: 'Object' | 'Part', lock: ObjectLock | undefined, claims: BodyClaims): void {
  if (lock && !claims.md5 && !claims.checksum) {
    const reason = `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${what} requests with Object Lock parameters`
    throw new StoreFault('InvalidRequest', { reason })
  }
}
