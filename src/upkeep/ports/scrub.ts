import type { PartLayout } from '../../base/model.ts'
import type { RepairCatalogue } from './repair.ts'

/** What the scrub needs of the metadata. src/meta implements it. */
export interface ScrubCatalogue extends Pick<RepairCatalogue, 'queueDamage'> {
  /** Parts that something refers to, in order of id: `after` < id < `before`. */
  listParts(query: { after: string; before: string; rowsMax: number }, signal: AbortSignal): Promise<PartLayout[]>
}
