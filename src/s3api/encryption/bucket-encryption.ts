import type { BucketEncryption } from '../../base/encryption.ts'
import { StoreFault } from '../../base/faults.ts'
import { invalid } from '../fields.ts'
import { boolean, text } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionConfiguration.html */
export const encryptionConfiguration = structure({
  Rule: flatList(
    structure({
      ApplyServerSideEncryptionByDefault: optional(structure({ SSEAlgorithm: text, KMSMasterKeyID: optional(text) })),
      BucketKeyEnabled: optional(boolean),
      BlockedEncryptionTypes: optional(structure({ EncryptionType: flatList(text) })),
    }),
  ),
})

type Configuration = Infer<typeof encryptionConfiguration>

/** Faults: MalformedXML, InvalidArgument, NotImplemented. */
export function readBucketEncryption({ Rule: rules }: Configuration): BucketEncryption {
  const [rule] = rules
  if (!rule || rules.length > 1) throw new StoreFault('MalformedXML', { reason: 'one rule' })
  const { SSEAlgorithm, KMSMasterKeyID } = rule.ApplyServerSideEncryptionByDefault ?? { SSEAlgorithm: 'AES256' }
  const algorithm = readAlgorithm(SSEAlgorithm)
  const keyId = KMSMasterKeyID?.trim() || undefined
  if (keyId !== undefined && algorithm !== 'aws:kms') {
    const reason = 'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse'
    throw invalid('KMSMasterKeyID', keyId, reason)
  }
  return {
    algorithm,
    ...(keyId !== undefined && { keyId }),
    ...(rule.BucketKeyEnabled && { isBucketKey: true }),
    ...(blocksCustomerKeys(rule.BlockedEncryptionTypes?.EncryptionType ?? []) && { blocksCustomerKeys: true }),
  }
}

export function writeBucketEncryption(encryption: BucketEncryption): Configuration {
  const { algorithm, keyId, isBucketKey, blocksCustomerKeys: isBlocked } = encryption
  return {
    Rule: [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm, KMSMasterKeyID: keyId },
        BucketKeyEnabled: isBucketKey ?? false,
        BlockedEncryptionTypes: isBlocked ? { EncryptionType: ['SSE-C'] } : undefined,
      },
    ],
  }
}

function readAlgorithm(text: string): BucketEncryption['algorithm'] {
  if (text === 'AES256' || text === 'aws:kms') return text
  if (text === 'aws:kms:dsse') throw new StoreFault('NotImplemented', { feature: `Server side encryption by ${text}` })
  throw new StoreFault('MalformedXML', { reason: 'SSEAlgorithm' })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_BlockedEncryptionTypes.html */
function blocksCustomerKeys(types: readonly string[]): boolean {
  if (types.some((type) => type !== 'SSE-C' && type !== 'NONE') || types.length > 1) {
    throw new StoreFault('MalformedXML', { reason: 'EncryptionType' })
  }
  return types.includes('SSE-C')
}
