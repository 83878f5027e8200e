import { md5Base64 } from './bytes.ts'

/** SSE-C parameters of a key that is 32 times this byte, as the SDK takes them. */
export function customerKey(byte: number) {
  const key = Buffer.alloc(32, byte)
  const coded = key.toString('base64')
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: coded, SSECustomerKeyMD5: md5Base64(key) }
}

/** The same for a copy's source. */
export function sourceCustomerKey(byte: number) {
  const { SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 } = customerKey(byte)
  return {
    CopySourceSSECustomerAlgorithm: SSECustomerAlgorithm,
    CopySourceSSECustomerKey: SSECustomerKey,
    CopySourceSSECustomerKeyMD5: SSECustomerKeyMD5,
  }
}

/** One way to encrypt an object: what to ask for, what reading it takes, and what the answers say of it. */
export interface Kind {
  name: string
  write: Record<string, string>
  read: Record<string, string>
  source: Record<string, string>
  told: Record<string, string | undefined>
  isEtagMd5: boolean
}

export function kinds(kmsKey: string | undefined): Kind[] {
  const customer = (byte: number): Kind => {
    const { SSECustomerKey: _never, ...told } = customerKey(byte)
    const [key, source] = [customerKey(byte), sourceCustomerKey(byte)]
    return { name: `SSE-C ${byte}`, write: key, read: key, source, told, isEtagMd5: false }
  }
  const stores = (name: string, write: Record<string, string>, told: Kind['told'], isEtagMd5: boolean): Kind => ({
    ...{ name, write, read: {}, source: {}, isEtagMd5 },
    told: { SSECustomerAlgorithm: undefined, ...told },
  })
  const kms = { ServerSideEncryption: 'aws:kms' }
  const named =
    kmsKey === undefined
      ? []
      : [stores('SSE-KMS', { ...kms, SSEKMSKeyId: kmsKey }, { ...kms, SSEKMSKeyId: kmsKey }, false)]
  return [
    stores('none', {}, { ServerSideEncryption: undefined }, true),
    stores('SSE-S3', { ServerSideEncryption: 'AES256' }, { ServerSideEncryption: 'AES256' }, true),
    stores('SSE-KMS aws/s3', kms, kms, false),
    ...named,
    customer(1),
    customer(2),
  ]
}
