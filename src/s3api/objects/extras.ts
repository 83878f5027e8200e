import type { ObjectExtras } from '../../base/model.ts'
import { type Field, headers } from '../fields.ts'
import { headerOf } from '../request-head.ts'
import { parseTaggingHeader } from '../tagging/tagging-header.ts'

/** What PutObject and CreateMultipartUpload give an object besides its attributes. Faults: those of each header. */
export const objectExtras: Field<ObjectExtras> = headers('extras', ['x-amz-tagging'], (head) => {
  const given = headerOf(head, 'x-amz-tagging')
  const tags = given === undefined ? [] : parseTaggingHeader(given, 'x-amz-tagging')
  return tags.length > 0 ? { tags } : NONE
})

/** The same with what is given here; what is undefined changes nothing. */
export function withExtras(
  extras: ObjectExtras,
  { access, lock, tags }: { [K in keyof ObjectExtras]: ObjectExtras[K] | undefined },
): ObjectExtras {
  if (!(access || lock || tags)) return extras
  return { ...extras, ...(access && { access }), ...(lock && { lock }), ...(tags && { tags }) }
}

const NONE: ObjectExtras = {}
