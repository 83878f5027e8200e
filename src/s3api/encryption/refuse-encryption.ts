import { StoreFault } from '../../base/faults.ts'
import { invalid } from '../fields.ts'
import type { S3Settings } from '../settings.ts'

const PREFIXES = ['x-amz-server-side-encryption', 'x-amz-copy-source-server-side-encryption']

export function isEncryptionHeader(name: string): boolean {
  return PREFIXES.some((prefix) => name.startsWith(prefix))
}

/**
 * Refuses an encryption header that this operation has no use for, and a customer's key that came over a line that
 * others can read. Faults: InvalidArgument, InvalidRequest.
 */
export function checkEncryptionHeader(
  name: string,
  { isTls, isKnown }: { isTls: boolean; isKnown: boolean },
  { allowsCustomerKeysOverHttp }: Pick<S3Settings, 'allowsCustomerKeysOverHttp'>,
): void {
  if (!isKnown) throw invalid(name, undefined, `${name} header is not supported for this operation.`)
  if (name.includes('-customer-') && !isTls && !allowsCustomerKeysOverHttp) {
    throw new StoreFault('InvalidRequest', {
      reason:
        'Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.',
    })
  }
}
