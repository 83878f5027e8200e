import type { TagSet } from '../model.ts'

/** A bucket's lifecycle configuration, as it is kept: JSON, so that dates are text. */
export interface Lifecycle {
  /** New with every change: what was read of an older one is recognised by it. */
  readonly revision: string
  readonly rules: readonly LifecycleRule[]
  /** x-amz-transition-default-minimum-object-size: given back as it came, for nothing makes a transition. */
  readonly transitionSizeMin: 'all_storage_classes_128K' | 'varies_by_storage_class'
}

export interface LifecycleRule {
  readonly id: string
  readonly isEnabled: boolean
  readonly filter: LifecycleFilter
  /** How the filter was written: as a rule's own Prefix (S3's first form), as Filter with at most one member, or with And. */
  readonly form: 'prefix' | 'filter' | 'and'
  readonly expiration?: Expiration
  readonly noncurrent?: NoncurrentExpiration
  /** Days after which an upload that was not completed is aborted. */
  readonly abortDays?: number
}

/** What an object must be for the rule to apply; absent: anything. */
export interface LifecycleFilter {
  readonly prefix?: string
  readonly tags?: TagSet
  /** Bytes, exclusive. */
  readonly sizeAbove?: number
  readonly sizeBelow?: number
}

/** Of a key's current version: one of the three. */
export interface Expiration {
  readonly days?: number
  /** ISO 8601, midnight UTC. */
  readonly date?: string
  /** A delete marker that no other version is left behind. */
  readonly deleteMarker?: boolean
}

export interface NoncurrentExpiration {
  /** Since the version stopped being the current one. */
  readonly days: number
  /** As many noncurrent versions are kept whatever their age. */
  readonly keep?: number
}
