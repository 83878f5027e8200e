import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import type { ObjectAttributes, ObjectVersion } from '../../base/model.ts'
import { checksumMembers, checksumValues, parseAlgorithm } from '../checksums/algorithms.ts'
import { headerOr, invalid, objectKey } from '../fields.ts'
import { objectAttributes } from '../objects/attributes.ts'
import { copySource, findCopySource } from '../objects/copy-source.ts'
import { judgeCopyConditions } from '../objects/read-conditions.ts'
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

/** Metadata only, whatever the size. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject = operation({
  name: 'CopyObject',
  route: { method: 'PUT', on: 'object', header: 'x-amz-copy-source' },
  action: 's3:PutObject',
  lookUp: 'bucket',
  request: {
    key: objectKey,
    source: copySource,
    attributes: objectAttributes,
    replaces: headerOr('x-amz-metadata-directive', parseDirective, false),
    redirect: headerOr('x-amz-website-redirect-location', (value) => value, undefined),
    storageClass: headerOr('x-amz-storage-class', (value) => value, undefined),
    checksumAlgorithm: headerOr('x-amz-checksum-algorithm', parseAlgorithm, undefined),
    condition: writeCondition,
  },
  payload: noBody,
  status: 200,
  body: xml('CopyObjectResult', result),
  mayTakeLong: true,
  async handle(call, input, signal) {
    const { engine, bucket, clock } = call
    const { key, condition } = input
    const source = (await findCopySource(call, input.source, signal)).object
    judgeCopyConditions(input.source.conditions, source, clock)
    if (source.sizeBytes > limits.putBytesMax) throw tooLarge()
    checkAlgorithm(input.checksumAlgorithm, source)
    const changes = input.replaces || input.redirect !== undefined || input.storageClass !== undefined
    if (!changes && source.bucketId === bucket.id && (source.key as string) === key) throw ontoItself()
    const attributes = input.replaces ? input.attributes : copied(source, input.attributes)
    const written = await engine.copyObject({ source, bucket, key, attributes, condition }, signal)
    return {
      output: {
        ETag: written.etag,
        LastModified: written.committedAt,
        ChecksumType: written.checksum?.type,
        ...checksumValues(written.checksum),
      },
    }
  },
})

function parseDirective(text: string, name: string): boolean {
  const directive = text.trim().toUpperCase()
  if (directive !== 'COPY' && directive !== 'REPLACE') throw invalid(name, text, 'Unknown metadata directive.')
  return directive === 'REPLACE'
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
