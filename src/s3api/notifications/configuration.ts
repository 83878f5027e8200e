import { text } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

const filter = structure({
  S3Key: optional(structure({ FilterRule: flatList(structure({ Name: text, Value: text })) })),
})

const first = { Id: optional(text) }
const last = { Event: flatList(text), Filter: optional(filter) }

/** The document of Put- and GetBucketNotificationConfiguration. */
export const notificationConfiguration = structure({
  TopicConfiguration: flatList(structure({ ...first, Topic: text, ...last })),
  QueueConfiguration: flatList(structure({ ...first, Queue: text, ...last })),
  CloudFunctionConfiguration: flatList(structure({ ...first, CloudFunction: text, ...last })),
  EventBridgeConfiguration: optional(structure({})),
})

export type GivenConfiguration = Infer<typeof notificationConfiguration>
export type GivenFilter = Infer<typeof filter>
