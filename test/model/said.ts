import { element } from '../../conformance/support/suite.ts'
import type { WireResponse } from '../../conformance/support/wire.ts'
import { inWords } from './content.ts'

/** An answer in what S3 promises of it; what is not there is not said. Versions and uploads go by the model's names. */
export interface Said {
  status: number
  /** Of the error; a HEAD's has no body to say it in. */
  code?: string | undefined
  version?: string | undefined
  isMarker?: true | undefined
  etag?: string | undefined
  type?: string | undefined
  meta?: readonly string[] | undefined
  /** How many. */
  tags?: number | undefined
  parts?: number | undefined
  range?: string | undefined
  /** In bytes, of what a HEAD tells about. */
  length?: number | undefined
  body?: string | undefined
  crc32?: string | undefined
  /** The version that was copied. */
  source?: string | undefined
  /** What a document says, in words. */
  lines?: readonly string[] | undefined
}

/** Gives the name of an id that the store told; one never seen is called after the step that it came of. */
export type NameOf = (id: string, suffix?: string) => string

export interface Answer extends Pick<WireResponse, 'status' | 'headers' | 'body'> {
  method: string
}

export function refusal(status: number, code: string): Said {
  return { status, code }
}

export const PRECONDITION_FAILED = refusal(412, 'PreconditionFailed')
export const NO_SUCH_KEY = refusal(404, 'NoSuchKey')
export const NO_SUCH_VERSION = refusal(404, 'NoSuchVersion')
export const NO_SUCH_UPLOAD = refusal(404, 'NoSuchUpload')
export const INVALID_ARGUMENT = refusal(400, 'InvalidArgument')

/** An error, or the headers of success. */
export function readHead({ method, status, headers, body }: Answer, nameOf: NameOf): Said {
  const id = headers['x-amz-version-id']
  const isMarker = headers['x-amz-delete-marker'] === 'true' ? true : undefined
  const etag = headers.etag
  if (status === 304) return { status, etag }
  if (status >= 300) return { status, isMarker, code: method === 'HEAD' ? undefined : element(body, 'Code') }
  const source = headers['x-amz-copy-source-version-id']
  return {
    status,
    isMarker,
    etag,
    version: id === undefined ? undefined : nameOf(id),
    source: source === undefined ? undefined : nameOf(source),
    crc32: headers['x-amz-checksum-crc32'],
  }
}

/** The answer to a GET or HEAD of an object: its headers, and what it holds. */
export function readObject(answer: Answer, nameOf: NameOf): Said {
  const { method, status, headers, body } = answer
  const head = readHead(answer, nameOf)
  if (status >= 300) return head
  const count = (name: string) => (headers[name] === undefined ? undefined : Number(headers[name]))
  return {
    ...head,
    type: headers['content-type'],
    meta: Object.entries(headers)
      .flatMap(([name, value]) => (name.startsWith('x-amz-meta-') ? [`${name.slice(11)}=${value}`] : []))
      .sort(),
    tags: count('x-amz-tagging-count'),
    parts: count('x-amz-mp-parts-count'),
    range: headers['content-range'],
    ...(method === 'HEAD' ? { length: count('content-length') } : { body: inWords([body]) }),
  }
}

/** A HEAD says no more than a status. */
export function withoutCode({ code: _, ...said }: Said): Said {
  return said
}

export function isSame(a: Said, b: Said): boolean {
  return inOrder(a) === inOrder(b)
}

function inOrder(said: Said): string {
  return JSON.stringify(
    Object.entries(said)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
