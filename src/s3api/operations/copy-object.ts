import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import type { ObjectAttributes, ObjectVersion } from '../../base/model.ts'
import { askedAcl } from '../access/acl/acl-headers.ts'
import { writtenAccess } from '../access/written-access.ts'
import { checksumMembers, checksumValues, parseAlgorithm } from '../checksums/algorithms.ts'
import { writtenEncryptionHeaders } from '../encryption/encryption-headers.ts'
import { encryptionWish, requestedEncryption } from '../encryption/requested-encryption.ts'
import { headerOr, invalid, objectKey, type Parse } from '../fields.ts'
import { expirationTeller } from '../lifecycle/tell-expiration.ts'
import { lockGiven } from '../lock/lock-headers.ts'
import { newLock } from '../lock/new-lock.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { objectAttributes } from '../objects/attributes.ts'
import { copiedVersion, copySource, findCopySource } from '../objects/copy-source.ts'
import { objectExtras, withExtras } from '../objects/extras.ts'
import { needsAlongWrite } from '../objects/needs-along.ts'
import { judgeSourceConditions } from '../objects/read-conditions.ts'
import { writtenVersion } from '../objects/version.ts'
import { writeCondition } from '../objects/write-condition.ts'
import { noBody, operation, xml } from '../operation.ts'
import { etag, text, timestamp } from '../xml/kinds.ts'
import { optional, structure } from '../xml/shape.ts'

const result = structure({
  ETag: etag,
  LastModified: timestamp,
  ChecksumType: optional(text),
  ...checksumMembers,
})

/** Metadata only, unless its encryption changes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject = operation({
  name: 'CopyObject',
  route: { method: 'PUT', on: 'object', header: 'x-amz-copy-source' },
  action: 's3:PutObject',
  alsoNeeds: needsAlongWrite,
  lookUp: 'bucket',
  request: {
    key: objectKey,
    source: copySource,
    attributes: objectAttributes,
    extras: objectExtras,
    acl: askedAcl,
    lock: lockGiven,
    replaces: headerOr('x-amz-metadata-directive', directiveOf('metadata'), false),
    replacesTags: headerOr('x-amz-tagging-directive', directiveOf('tagging'), false),
    redirect: headerOr('x-amz-website-redirect-location', (value) => value, undefined),
    storageClass: headerOr('x-amz-storage-class', (value) => value, undefined),
    checksumAlgorithm: headerOr('x-amz-checksum-algorithm', parseAlgorithm, undefined),
    condition: writeCondition,
    encryption: requestedEncryption,
  },
  payload: noBody,
  status: 200,
  body: xml('CopyObjectResult', result),
  mayTakeLong: true,
  async handle(call, input, signal) {
    const { engine, bucket, clock, settings } = call
    const { key, condition, encryption: asked } = input
    const found = await findCopySource(call, input.source, signal)
    const source = found.object
    judgeSourceConditions(input.source.conditions, source, clock)
    if (source.sizeBytes > limits.putBytesMax) throw tooLarge()
    checkAlgorithm(input.checksumAlgorithm, source)
    const changes =
      input.replaces || input.redirect !== undefined || input.storageClass !== undefined || asked.wish !== undefined
    // An old version is copied onto itself to be the latest again.
    const isCurrent = input.source.versionId === undefined || bucket.versioning === ''
    if (!changes && isCurrent && source.bucketId === bucket.id && (source.key as string) === key) throw ontoItself()
    const attributes = input.replaces ? input.attributes : copied(source, input.attributes)
    const { tags: given, ...others } = input.extras
    const tags = input.replacesTags ? given : source.extras?.tags
    const access = await writtenAccess(call, input.acl, signal)
    const lock = newLock(call, input.lock)
    const extras = withExtras(others, { tags, access, lock })
    const encryption = encryptionWish(asked, bucket, settings)
    const sourceCustomerKey = input.source.customerKey?.key
    const copy = {
      source,
      bucket,
      key,
      attributes,
      extras,
      condition,
      encryption,
      sourceCustomerKey,
      ...eventOrigin(call),
    }
    const tellExpiration = await expirationTeller(call, signal)
    const written = await engine.copyObject(copy, signal)
    const { sizeBytes } = source
    return {
      headers: {
        ...copiedVersion(found),
        'x-amz-version-id': writtenVersion(written.versionId),
        ...writtenEncryptionHeaders(written.encryption, asked.customerKey),
        ...tellExpiration({ key, sizeBytes, extras, committedAt: written.committedAt }),
      },
      output: {
        ETag: written.etag,
        LastModified: written.committedAt,
        ChecksumType: written.checksum?.type,
        ...checksumValues(written.checksum),
      },
    }
  },
})

function directiveOf(what: 'metadata' | 'tagging'): Parse<boolean> {
  return (text, name) => {
    const directive = text.trim().toUpperCase()
    if (directive !== 'COPY' && directive !== 'REPLACE') throw invalid(name, text, `Unknown ${what} directive.`)
    return directive === 'REPLACE'
  }
}

/** Storage class and redirect are never the source's. */
function copied({ attributes }: ObjectVersion, asked: ObjectAttributes): ObjectAttributes {
  const redirect = 'x-amz-website-redirect-location'
  const { [redirect]: _own, ...headers } = attributes.headers
  const given = asked.headers[redirect]
  return {
    headers: given === undefined ? headers : { ...headers, [redirect]: given },
    userMetadata: attributes.userMetadata,
    storageClass: asked.storageClass,
  }
}

/** The copy keeps the source's checksum; to make another one, all bytes would have to be read. */
function checkAlgorithm(asked: string | undefined, { checksum }: ObjectVersion): void {
  if (asked !== undefined && (asked !== checksum?.algorithm || checksum.type !== 'FULL_OBJECT')) {
    throw new StoreFault('NotImplemented', { feature: 'A new checksum on CopyObject' })
  }
}

function tooLarge(): StoreFault {
  return new StoreFault('InvalidRequest', {
    reason: `The specified copy source is larger than the maximum allowable size for a copy source: ${limits.putBytesMax}`,
  })
}

function ontoItself(): StoreFault {
  return new StoreFault('InvalidRequest', {
    reason:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  })
}
