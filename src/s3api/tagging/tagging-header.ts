import type { TagSet } from '../../base/model.ts'
import { invalid } from '../fields.ts'
import { percentDecodeQuery } from '../names/percent.ts'
import { checkTags } from './tag-set.ts'

/**
 * The tags of `x-amz-tagging`: `key=value&key=value`, coded as a query.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html Faults: InvalidArgument, BadRequest, InvalidTag.
 */
export function parseTaggingHeader(header: string, name: string): TagSet {
  const tags: [string, string][] = []
  const keys = new Set<string>()
  for (const pair of header.split('&')) {
    if (pair === '') continue
    const mark = pair.indexOf('=')
    const key = percentDecodeQuery(mark < 0 ? pair : pair.slice(0, mark))
    const value = mark < 0 ? '' : percentDecodeQuery(pair.slice(mark + 1))
    if (!key || value === undefined || keys.has(key)) throw invalid(name, header, NOT_A_QUERY)
    keys.add(key)
    tags.push([key, value])
  }
  return checkTags(tags, 'object')
}

const NOT_A_QUERY =
  "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
