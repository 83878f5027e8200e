import type { Encryption } from '../../base/encryption.ts'
import type { ReplyHeaders } from '../operation.ts'
import type { CustomerKey } from './customer-key.ts'

const NOTHING: ReplyHeaders = {}

/** How what was written, or read, is encrypted. */
export function encryptionHeaders(
  encryption: Encryption | undefined,
  customerKey: CustomerKey | undefined,
): ReplyHeaders {
  switch (encryption?.kind) {
    case undefined:
      return NOTHING
    case 'AES256':
      return { 'x-amz-server-side-encryption': 'AES256' }
    case 'aws:kms':
      return {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': encryption.keyId,
        'x-amz-server-side-encryption-bucket-key-enabled': encryption.isBucketKey ? 'true' : undefined,
      }
    case 'customer':
      return {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key-MD5': customerKey?.md5,
      }
  }
}

/** The same with what only answers to writes say. */
export function writtenEncryptionHeaders(
  encryption: Encryption | undefined,
  customerKey: CustomerKey | undefined,
): ReplyHeaders {
  const headers = encryptionHeaders(encryption, customerKey)
  if (encryption?.context === undefined) return headers
  return { ...headers, 'x-amz-server-side-encryption-context': encryption.context }
}
