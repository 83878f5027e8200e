import { hash } from 'node:crypto'
import { StoreFault } from '../../base/faults.ts'
import { KEY_BYTES } from '../../base/seal.ts'
import { type Field, headers, invalid } from '../fields.ts'
import { headerOf, type RequestHead } from '../request-head.ts'

/** A key that the client keeps, and gives with every request. */
export interface CustomerKey {
  key: Buffer
  /** Base64, as it was given: what the answer repeats. */
  md5: string
}

/** SSE-C: https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-c-encryption.html Faults: InvalidArgument, InvalidEncryptionAlgorithmError. */
export const customerKey: Field<CustomerKey | undefined> = customerKeyAt('')
/** Of a copy's source. */
export const sourceCustomerKey: Field<CustomerKey | undefined> = customerKeyAt('copy-source-')

function customerKeyAt(prefix: '' | 'copy-source-'): Field<CustomerKey | undefined> {
  const name = `x-amz-${prefix}server-side-encryption-customer-`
  const reads = [`${name}algorithm`, `${name}key`, `${name}key-md5`]
  return headers(`${prefix}customer-key`, reads, (head) => readCustomerKey(head, name))
}

function readCustomerKey(head: RequestHead, name: string): CustomerKey | undefined {
  const algorithm = headerOf(head, `${name}algorithm`)
  const key = headerOf(head, `${name}key`)
  const md5 = headerOf(head, `${name}key-md5`)
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined
  const must = 'Requests specifying Server Side Encryption with Customer provided keys must provide'
  if (!algorithm) throw invalid(`${name}algorithm`, undefined, `${must} a valid encryption algorithm.`)
  if (algorithm !== 'AES256') throw new StoreFault('InvalidEncryptionAlgorithmError', { value: algorithm })
  if (!key) throw invalid(`${name}key`, undefined, `${must} an appropriate secret key.`)
  if (!md5) throw invalid(`${name}key-MD5`, undefined, `${must} the client calculated MD5 of the secret key.`)
  // The key itself is never repeated: not in an answer, not in a log.
  const bytes = Buffer.from(key, 'base64')
  if (bytes.length !== KEY_BYTES) {
    throw invalid(`${name}key`, undefined, 'The secret key was invalid for the specified algorithm.')
  }
  if (hash('md5', bytes, 'base64') !== md5.trim()) {
    const reason = 'The calculated MD5 hash of the key did not match the hash that was provided.'
    throw invalid(`${name}key-MD5`, md5, reason)
  }
  return { key: bytes, md5: md5.trim() }
}
