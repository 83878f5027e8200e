import type { LifecycleFilter, LifecycleRule } from '../../base/lifecycle/rules.ts'
import { limits } from '../../base/limits.ts'
import { invalid, invalidRequest } from '../fields.ts'
import { checkTags } from '../tagging/tag-set.ts'
import { malformed } from '../xml/xml-scanner.ts'
import type { GivenFilter, GivenRule } from './configuration.ts'

/** What a rule applies to, and how that was written. Faults: InvalidRequest, InvalidArgument, MalformedXML, InvalidTag. */
export function parseFilter(
  { Prefix, Filter }: Pick<GivenRule, 'Prefix' | 'Filter'>,
  isSecondForm: boolean,
): Pick<LifecycleRule, 'filter' | 'form'> {
  if (isSecondForm && Prefix !== undefined) {
    throw invalidRequest('Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.')
  }
  if (!isSecondForm && Filter) throw invalidRequest('Filter element can only be used in Lifecycle V2.')
  if (!Filter) {
    if (Prefix === undefined) throw malformed('a rule has a Filter or a Prefix')
    return { form: 'prefix', filter: checked({ Prefix }) }
  }
  const { And, ...single } = Filter
  const members = Object.values(Filter).filter((each) => each !== undefined)
  if (members.length > 1) throw malformed('a Filter has one member, or And')
  if (!And) return { form: 'filter', filter: checked(single) }
  const { Tag, ...others } = And
  return { form: 'and', filter: checked({ ...others, tags: Tag }) }
}

export function readsTags({ tags }: LifecycleFilter): boolean {
  return tags !== undefined
}

export function readsSizes({ sizeAbove, sizeBelow }: LifecycleFilter): boolean {
  return sizeAbove !== undefined || sizeBelow !== undefined
}

interface Criteria extends Omit<GivenFilter, 'And'> {
  tags?: readonly { Key: string; Value: string }[]
}

/** S3's largest object when these were made. */
const SIZE_MAX = 1_099_511_627_776_000

function checked(given: Criteria): LifecycleFilter {
  const { Prefix, ObjectSizeGreaterThan: above, ObjectSizeLessThan: below } = given
  const tags = given.Tag ? [given.Tag] : (given.tags ?? [])
  if (Buffer.byteLength(Prefix ?? '') > limits.keyBytesMax) {
    throw invalid('Prefix', Prefix, 'The maximum size of a prefix is 1024')
  }
  checkSizes(above, below)
  if (new Set(tags.map(({ Key }) => Key)).size < tags.length) {
    throw invalidRequest('Duplicate Tag Keys are not allowed.')
  }
  return {
    ...(Prefix !== undefined && { prefix: Prefix }),
    ...(tags.length > 0 && {
      tags: checkTags(
        tags.map(({ Key, Value }) => [Key, Value] as const),
        'object',
      ),
    }),
    ...(above !== undefined && { sizeAbove: above }),
    ...(below !== undefined && { sizeBelow: below }),
  }
}

function checkSizes(above: number | undefined, below: number | undefined): void {
  if (above !== undefined && above > SIZE_MAX) {
    throw invalidRequest(`'ObjectSizeGreaterThan' should be between 0 and ${SIZE_MAX}.`)
  }
  if (below !== undefined && (below < 1 || below > SIZE_MAX)) {
    throw invalidRequest(`'ObjectSizeLessThan' should be between 1 and ${SIZE_MAX}.`)
  }
  if (above !== undefined && below !== undefined && below <= above) {
    throw invalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
  }
}
