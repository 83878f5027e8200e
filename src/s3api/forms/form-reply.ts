import type { Answer } from '../http/write-answer.ts'
import type { ReplyHeaders } from '../operation.ts'
import type { RequestHead } from '../request-head.ts'
import { text } from '../xml/kinds.ts'
import { structure } from '../xml/shape.ts'
import { writeXml, XML_DECLARATION } from '../xml/write-xml.ts'

const postResponse = structure({ Location: text, Bucket: text, Key: text, ETag: text })

/** What a browser is told of an upload: where to go on, or a status of the form's choosing; 204 where it chose none. */
export function formAnswer(
  head: RequestHead,
  fields: ReadonlyMap<string, string>,
  { key, headers }: { key: string; headers: ReplyHeaders },
): Answer {
  const bucket = head.bucket ?? ''
  const etag = String(headers.ETag)
  const next = nextPage(fields.get('success_action_redirect') ?? fields.get('redirect'), { bucket, key, etag })
  if (next !== undefined) return { status: 303, headers: { ...headers, Location: next } }
  const location = locationOf(head, key)
  const answer = { headers: { ...headers, Location: location } }
  switch (fields.get('success_action_status')) {
    case '200':
      return { status: 200, ...answer }
    case '201': {
      const xml = writeXml(
        'PostResponse',
        postResponse,
        { Location: location, Bucket: bucket, Key: key, ETag: etag },
        '',
      )
      const body = Buffer.from(XML_DECLARATION + xml)
      return { status: 201, headers: { 'Content-Type': 'application/xml', ...answer.headers }, body }
    }
    default:
      return { status: 204, ...answer }
  }
}

/** The page to go on with, told what was made; undefined where none is given, or what is given is no page. */
function nextPage(redirect: string | undefined, made: Record<'bucket' | 'key' | 'etag', string>): string | undefined {
  const url = redirect === undefined ? null : URL.parse(redirect)
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  const told = Object.entries(made).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  url.search = [url.search.slice(1), ...told].filter((each) => each !== '').join('&')
  return url.href
}

/** S3 codes the slashes too. */
function locationOf({ isTls, host, bucket, isVirtualHost }: RequestHead, key: string): string {
  const root = `${isTls ? 'https' : 'http'}://${host}${isVirtualHost ? '' : `/${bucket}`}`
  return `${root}/${encodeURIComponent(key)}`
}
