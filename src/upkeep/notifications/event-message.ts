import type { ObjectEvent } from '../ports/notifications.ts'

/**
 * What a target is told, as S3 words it: one record a message. Less than 8,000 bytes, whatever the key is.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function eventMessage(event: ObjectEvent): string {
  const { name, ruleId, bucket, key, versionId, sizeBytes, etag, origin, happenedAt, eventId } = event
  const record = {
    eventVersion: name.startsWith('ObjectCreated:') || name.startsWith('ObjectRemoved:') ? '2.1' : '2.3',
    eventSource: 'aws:s3',
    awsRegion: bucket.region,
    eventTime: happenedAt.toISOString(),
    eventName: name,
    userIdentity: { principalId: principalOf(event) },
    requestParameters: { sourceIPAddress: origin?.address ?? '' },
    responseElements: { 'x-amz-request-id': origin?.requestId ?? '' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: ruleId,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: bucket.ownerId },
        arn: `arn:aws:s3:::${bucket.name}`,
      },
      object: { key: formEncoded(key), size: sizeBytes, eTag: etag, versionId, sequencer: sequencerOf(eventId) },
    },
  }
  return JSON.stringify({ Records: [record] })
}

const LIFECYCLE = 's3.amazonaws.com'
const ANONYMOUS = 'Anonymous'

/** Of a change whose request did not yet know that somebody would be told, nobody. */
function principalOf({ name, origin }: ObjectEvent): string {
  if (name.startsWith('LifecycleExpiration:')) return LIFECYCLE
  return origin ? (origin.principal ?? ANONYMOUS) : ''
}

/** A space is `+`; and slashes stay, as S3 has it. */
function formEncoded(key: string): string {
  return new URLSearchParams([['', key]]).toString().slice(1).replaceAll('%2F', '/')
}

/** Of one length, so that those of a key are in the order of their texts. */
function sequencerOf(eventId: number): string {
  return eventId.toString(16).toUpperCase().padStart(16, '0')
}
