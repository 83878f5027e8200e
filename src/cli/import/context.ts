import type { Slots } from '../../engine/slots.ts'
import type { S3Endpoint } from '../s3-client/endpoint.ts'
import type { Retry } from '../s3-client/retry.ts'
import type { Tally } from './tally.ts'
import type { UploadNotes } from './upload-notes.ts'
import type { ListedVersion } from './versions.ts'

export interface Place {
  endpoint: S3Endpoint
  bucket: string
}

/** What all of one import shares. */
export interface ImportContext {
  source: Place
  target: Place
  /** Objects, or parts, that are under way. */
  transfers: Slots
  retry: Retry
  tally: Tally
  notes: UploadNotes
  /** Whether an ETag that looks like an MD5 is one, where nothing says otherwise. */
  etagsAreMd5: boolean
  /** Whether retentions and legal holds come along: the destination's bucket has Object Lock then. */
  carriesLocks: boolean
  /** Of what the source does not give in parts. */
  partBytes: number
}

/** A version on its way. */
export interface Errand {
  key: string
  version: ListedVersion
  /** Headers: only if the key is as it was when it was judged. */
  condition: Readonly<Record<string, string>>
}

/** The query that names the version at the source. */
export function versionQuery({ versionId }: ListedVersion): Record<string, string> {
  return versionId === undefined ? {} : { versionId }
}
