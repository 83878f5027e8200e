/** How the bytes of an object, or of an upload's parts, are encrypted on the nodes: kept with it as plain JSON. */
export interface Encryption {
  /** `customer`: under a key that only the client has. */
  readonly kind: EncryptionKind
  /** The data key as it is sealed, in base64; in the clear it is nowhere but in memory. */
  readonly sealedKey: string
  /** Which key seals it; absent for a customer's. */
  readonly sealedBy?: string
  /** Of `aws:kms`: the key as clients name it. */
  readonly keyId?: string
  /** Of `aws:kms`: the encryption context, base64 as it was given; the seal covers it. */
  readonly context?: string
  /** Of `aws:kms`: what the client said of bucket keys, given back; there is no key server whose calls it could spare. */
  readonly isBucketKey?: boolean
}

export type EncryptionKind = 'AES256' | 'aws:kms' | 'customer'

/** What a bucket has its objects encrypted with when their clients say nothing. */
export interface BucketEncryption {
  readonly algorithm: 'AES256' | 'aws:kms'
  /** As it was put. */
  readonly keyId?: string
  readonly isBucketKey?: boolean
  /** Customers' keys are refused. */
  readonly blocksCustomerKeys?: boolean
}
