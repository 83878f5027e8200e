import type { PublicAccessBlock } from '../../base/access.ts'
import { boolean } from '../xml/kinds.ts'
import { type Infer, optional, structure } from '../xml/shape.ts'

export const publicAccessBlockXml = structure({
  BlockPublicAcls: optional(boolean),
  IgnorePublicAcls: optional(boolean),
  BlockPublicPolicy: optional(boolean),
  RestrictPublicBuckets: optional(boolean),
})

/** What is not said is not asked for. */
export function fromXml(document: Infer<typeof publicAccessBlockXml>): PublicAccessBlock {
  const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = document
  return {
    blockPublicAcls: BlockPublicAcls ?? false,
    ignorePublicAcls: IgnorePublicAcls ?? false,
    blockPublicPolicy: BlockPublicPolicy ?? false,
    restrictPublicBuckets: RestrictPublicBuckets ?? false,
  }
}

export function toXml(block: PublicAccessBlock): Infer<typeof publicAccessBlockXml> {
  return {
    BlockPublicAcls: block.blockPublicAcls,
    IgnorePublicAcls: block.ignorePublicAcls,
    BlockPublicPolicy: block.blockPublicPolicy,
    RestrictPublicBuckets: block.restrictPublicBuckets,
  }
}
