/** One configuration of a bucket: of which events of which keys which target is told. No two ask for the same event. */
export interface NotificationRule {
  readonly id: string
  /** The element that it was given in. */
  readonly kind: 'Queue' | 'Topic' | 'CloudFunction'
  /** An ARN. */
  readonly target: string
  /** With `s3:`; the last word may be `*`. */
  readonly events: readonly string[]
  /** Of a key's UTF-8 bytes; as they were given, that is, perhaps empty. */
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

/** Who asked for a change, and how; kept for those who are told of it. */
export interface EventOrigin {
  /** How an object came, if by a form. */
  readonly via?: 'Post' | 'Copy'
  /** An account's canonical id; absent: anonymous. */
  readonly principal?: string | undefined
  readonly address?: string | undefined
  readonly requestId: string
}
