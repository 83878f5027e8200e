import { invalid } from '../fields.ts'
import type { RequestHead } from '../request-head.ts'
import { parseTagList, tagging } from '../tagging/tag-set.ts'
import { readXml } from '../xml/read-xml.ts'

/** Fields that say what a PUT's headers of the same name say; so do all `x-amz-*`, but for those of the signature. */
const HEADER_FIELDS = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
])
const SIGNATURE_FIELDS = new Set(['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature'])

/**
 * The head of the PUT that does what the form asks for: one way for both, so that neither can do what the other may not.
 * Faults: InvalidArgument (what no header can hold, too many tags), InvalidTag, MalformedXML.
 */
export function headOfForm(head: RequestHead, fields: ReadonlyMap<string, string>, key: string): RequestHead {
  const headers: Record<string, string> = {}
  for (const [name, value] of fields) {
    if (HEADER_FIELDS.has(name) || (name.startsWith('x-amz-') && !SIGNATURE_FIELDS.has(name))) {
      headers[name] = headerValue(name, value)
    }
  }
  const acl = fields.get('acl')
  if (acl !== undefined) headers['x-amz-acl'] = headerValue('acl', acl)
  const tags = fields.get('tagging')
  if (tags) headers['x-amz-tagging'] = taggingHeader(tags)
  return { ...head, method: 'PUT', key, headers }
}

/** One character a byte, as headers come. A line break would end it, and begin another, when it is given back. */
function headerValue(name: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be found
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) {
    throw invalid(name, value, `The field ${name} holds a character that no header may have`)
  }
  return Buffer.from(value.trim()).toString('latin1')
}

/** A form has its tags in XML. */
function taggingHeader(document: string): string {
  const tags = parseTagList(readXml('Tagging', tagging, Buffer.from(document)).TagSet, 'object')
  return new URLSearchParams(tags.map(([key, value]): [string, string] => [key, value])).toString()
}
