import type { ObjectOwnership } from '../../base/access.ts'
import { StoreFault } from '../../base/faults.ts'
import type { BucketSettings } from '../../base/model.ts'
import { type Field, headerOr, invalid } from '../fields.ts'
import { text } from '../xml/kinds.ts'
import { flatList, type Infer, structure } from '../xml/shape.ts'

export const ownershipControlsXml = structure({ Rule: flatList(structure({ ObjectOwnership: text })) })

/** `x-amz-object-ownership` of CreateBucket; undefined: the store's default. Fault: InvalidArgument. */
export const objectOwnership: Field<ObjectOwnership | undefined> = headerOr(
  'x-amz-object-ownership',
  (value, name) => {
    const known = parseOwnership(value.trim())
    if (known === undefined) throw invalid(name, value, `Invalid ${name} header: ${value.slice(0, 64)}`)
    return known
  },
  undefined,
)

/** Fault: MalformedXML: other than one rule. */
export function fromXml({ Rule: rules }: Infer<typeof ownershipControlsXml>): ObjectOwnership {
  const known = rules.length === 1 ? parseOwnership(rules[0]!.ObjectOwnership.trim()) : undefined
  if (known === undefined) throw new StoreFault('MalformedXML', { reason: 'one rule with a known ObjectOwnership' })
  return known
}

/** What is S3's default is not kept. */
export function toSetting(ownership: ObjectOwnership): BucketSettings['ownership'] | undefined {
  return ownership === 'BucketOwnerEnforced' ? undefined : ownership
}

function parseOwnership(value: string): ObjectOwnership | undefined {
  return OWNERSHIPS.find((known) => known === value)
}

const OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const
