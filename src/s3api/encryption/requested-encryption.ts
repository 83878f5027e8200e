import type { BucketEncryption } from '../../base/encryption.ts'
import { StoreFault } from '../../base/faults.ts'
import type { Bucket } from '../../base/model.ts'
import type { EncryptionWish } from '../../engine/encryption/data-keys.ts'
import { asBoolean, type Field, headers, invalid } from '../fields.ts'
import { headerOf, type RequestHead } from '../request-head.ts'
import type { S3Settings } from '../settings.ts'
import { type CustomerKey, customerKey } from './customer-key.ts'

/** What a request says of the encryption of what it makes. */
export interface RequestedEncryption {
  /** undefined: nothing; the bucket's default counts. */
  wish: EncryptionWish | undefined
  customerKey: CustomerKey | undefined
  /** undefined: the bucket's. */
  isBucketKey: boolean | undefined
}

const ALGORITHM = 'x-amz-server-side-encryption'
const KEY_ID = `${ALGORITHM}-aws-kms-key-id`
const CONTEXT = `${ALGORITHM}-context`
const BUCKET_KEY = `${ALGORITHM}-bucket-key-enabled`
/** Base64 of at most 8 KiB, as KMS bounds it. */
const CONTEXT_CHARS_MAX = 8192
const NOTHING: RequestedEncryption = { wish: undefined, customerKey: undefined, isBucketKey: undefined }

/** PutObject, CopyObject, CreateMultipartUpload. Faults: InvalidArgument, InvalidEncryptionAlgorithmError, NotImplemented. */
export const requestedEncryption: Field<RequestedEncryption> = headers(
  'encryption',
  [ALGORITHM, KEY_ID, CONTEXT, BUCKET_KEY, ...(customerKey.reads ?? [])],
  (head) => {
    const given = customerKey.read(head)
    const algorithm = headerOf(head, ALGORITHM)
    const bucketKey = headerOf(head, BUCKET_KEY)
    if (given === undefined && algorithm === undefined && bucketKey === undefined && !hasKmsHeader(head)) return NOTHING
    return {
      wish: given ? ofCustomer(given, algorithm) : readWish(head, algorithm),
      customerKey: given,
      isBucketKey: bucketKey === undefined ? undefined : asBoolean(bucketKey, BUCKET_KEY),
    }
  },
)

/** With the bucket's default, or the store's, where the request says nothing. Fault: AccessDenied (the bucket takes no customers' keys). */
export function encryptionWish(
  { wish, isBucketKey }: RequestedEncryption,
  { settings }: Pick<Bucket, 'settings'>,
  { defaultEncryption }: Pick<S3Settings, 'defaultEncryption'>,
): EncryptionWish | undefined {
  const { encryption } = settings
  if (wish?.kind === 'customer' && encryption?.blocksCustomerKeys) {
    throw new StoreFault('AccessDenied', { reason: 'customer keys are blocked' })
  }
  const wanted = wish ?? wishOf(encryption) ?? (defaultEncryption === 'AES256' ? { kind: 'AES256' } : undefined)
  if (wanted?.kind !== 'aws:kms') return wanted
  return { ...wanted, isBucketKey: isBucketKey ?? encryption?.isBucketKey ?? false }
}

function wishOf(encryption: BucketEncryption | undefined): EncryptionWish | undefined {
  if (!encryption) return undefined
  if (encryption.algorithm === 'AES256') return { kind: 'AES256' }
  return { kind: 'aws:kms', keyId: encryption.keyId, context: undefined, isBucketKey: false }
}

function hasKmsHeader(head: RequestHead): boolean {
  return headerOf(head, KEY_ID) !== undefined || headerOf(head, CONTEXT) !== undefined
}

function ofCustomer({ key }: CustomerKey, algorithm: string | undefined): EncryptionWish {
  if (algorithm === undefined) return { kind: 'customer', customerKey: key }
  const reason =
    'Server Side Encryption with Customer provided key is incompatible with the encryption method specified'
  throw invalid(ALGORITHM, algorithm, reason)
}

function readWish(head: RequestHead, algorithm: string | undefined): EncryptionWish | undefined {
  if (algorithm === 'aws:kms') {
    const keyId = headerOf(head, KEY_ID)?.trim() || undefined
    return { kind: algorithm, keyId, context: readContext(headerOf(head, CONTEXT)), isBucketKey: false }
  }
  if (algorithm === 'aws:kms:dsse' || algorithm === 'aws:fsx') {
    throw new StoreFault('NotImplemented', { feature: `Server side encryption by ${algorithm}` })
  }
  if (algorithm !== undefined && algorithm !== 'AES256') {
    throw invalid(ALGORITHM, algorithm, 'The encryption method specified is not supported')
  }
  if (hasKmsHeader(head)) {
    const reason =
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms'
    throw invalid(ALGORITHM, algorithm, reason)
  }
  return algorithm && { kind: algorithm }
}

/** Base64 of a JSON object of strings, as S3 wants it; kept as it came. */
function readContext(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  if (text.length <= CONTEXT_CHARS_MAX && isContext(text)) return text
  throw invalid(
    CONTEXT,
    text,
    'The header x-amz-server-side-encryption-context must be base64 of a JSON object of strings',
  )
}

function isContext(text: string): boolean {
  try {
    const context: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    const isObject = typeof context === 'object' && context !== null && !Array.isArray(context)
    return isObject && Object.values(context).every((value) => typeof value === 'string')
  } catch {
    return false
  }
}
