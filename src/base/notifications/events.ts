/** What buckets can be asked to tell. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  ObjectCreated: ['Put', 'Post', 'Copy', 'CompleteMultipartUpload'],
  ObjectRemoved: ['Delete', 'DeleteMarkerCreated'],
  ObjectTagging: ['Put', 'Delete'],
  LifecycleExpiration: ['Delete', 'DeleteMarkerCreated'],
}

/** Events of S3 that never happen here. */
const NEVER = new Set(
  [
    ...['ReducedRedundancyLostObject', 'ObjectAcl:Put', 'LifecycleTransition', 'IntelligentTiering', 'ObjectRestore:*'],
    ...['ObjectRestore:Post', 'ObjectRestore:Completed', 'ObjectRestore:Delete', 'Replication:*'],
    ...['Replication:OperationFailedReplication', 'Replication:OperationMissedThreshold'],
    ...['Replication:OperationReplicatedAfterThreshold', 'Replication:OperationNotTracked'],
  ].map((name) => `s3:${name}`),
)

/** The events that a name stands for, with `s3:`; none: there is no such event. */
export function eventsOf(name: string): string[] {
  const [, family = '', word] = /^s3:(\w+):(\w+|\*)$/.exec(name) ?? []
  const words = Object.hasOwn(FAMILIES, family) ? FAMILIES[family]! : []
  return words.filter((each) => word === '*' || word === each).map((each) => `s3:${family}:${each}`)
}

export function neverHappens(name: string): boolean {
  return NEVER.has(name)
}
