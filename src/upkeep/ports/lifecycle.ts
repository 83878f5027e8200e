import type { BucketId, ObjectKey } from '../../base/ids.ts'
import type { Lifecycle } from '../../base/lifecycle/rules.ts'
import type { TagSet } from '../../base/model.ts'

/** What lifecycle rules act upon: current objects, noncurrent versions, delete markers, uploads that were not completed. */
export type ExpiryKind = 'current' | 'former' | 'marker' | 'upload'

/** What rules may say something of, as it was read. */
export interface Candidate {
  readonly key: ObjectKey
  /** A version, or an upload. */
  readonly id: string
  /** The order of a key's versions; 0 of an upload. */
  readonly seq: string
  /** When it was committed, or the upload initiated. */
  readonly madeAt: Date
  /** From when on days count: of a noncurrent version, when it was replaced. */
  readonly since: Date
  readonly sizeBytes: number
  /** undefined: none. */
  readonly tags: TagSet | undefined
  /** How many noncurrent versions of its key are younger, as far as they were counted. */
  readonly newer: number
  /** Of a delete marker: no version is left behind it. */
  readonly isAlone: boolean
}

/** Where a page ended. */
export type Cursor = Pick<Candidate, 'key' | 'id' | 'seq'> & { readonly madeMs: number }

export interface CandidateQuery {
  bucketId: BucketId
  kind: ExpiryKind
  prefix: string
  /** Behind it; undefined: from the start. */
  after: Cursor | undefined
  /** How many younger versions are counted. */
  keepMax: number
  rowsMax: number
}

export interface RuledBucket {
  bucketId: BucketId
  lifecycle: Lifecycle
  /** By the database's clock. */
  nowMs: number
}

/** A candidate that is due, and as many younger versions as there must be. */
export type DueCandidate = Candidate & { readonly keep: number }

/** What the lifecycle job needs of the metadata. src/meta implements it. */
export interface LifecycleCatalogue {
  /** By the database's clock; and what tells whether any bucket's rules have changed since. */
  look(signal: AbortSignal): Promise<{ nowMs: number; fingerprint: string }>
  /** The first bucket that has rules, with an id above; 0: of all. */
  findRuledBucket(after: BucketId | 0, signal: AbortSignal): Promise<RuledBucket | undefined>
  /** In an order of its own for each kind, and no one twice; noncurrent versions of a key the oldest first. */
  listCandidates(query: CandidateQuery, signal: AbortSignal): Promise<Candidate[]>
  /**
   * Deletes those that are still as they were read, if the bucket's rules are still those of `revision`; all in one
   * transaction. Answers how many.
   */
  expire(
    order: { bucketId: BucketId; revision: string; kind: ExpiryKind; due: readonly DueCandidate[] },
    signal: AbortSignal,
  ): Promise<number>
}
