import { StoreFault } from '../../base/faults.ts'
import type { ByteStream } from '../../engine/engine.ts'
import { invalid } from '../fields.ts'
import { MultipartReader } from './multipart-reader.ts'

export interface Form {
  /** By lower-case name, `${filename}` filled in: all that stand before the file. */
  fields: ReadonlyMap<string, string>
  /** Ends with the file; what follows it is left where it is. */
  file: ByteStream
  /** Of the body: what came before the file, and what has to come behind it. */
  otherBytes: number
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html: 20 KB without the file. */
const FIELDS_BYTES_MAX = 20 * 1024
/** Each has a head too. More than twice as many as S3 knows, with 20 of the form's own metadata. */
const FIELDS_MAX = 100

/** The boundary of `multipart/form-data; boundary=…`; undefined for any other type. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, bare] = MULTIPART.exec(contentType ?? '') ?? []
  const boundary = quoted ?? bare
  // RFC 2046: 1 to 70 characters, and no blank at the end.
  return boundary !== undefined && /^[\x20-\x7e]{0,69}[\x21-\x7e]$/.test(boundary) ? boundary : undefined
}

const MULTIPART = /^multipart\/form-data[ \t]*;(?:[^"]*;)?[ \t]*boundary=(?:"([^"]*)"|([^\s;"]*))/i

/**
 * A form up to the file that it brings; fields behind that are passed over, as S3 does.
 * Faults: MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument (a field twice, no file).
 */
export async function readForm(body: ByteStream, boundary: string): Promise<Form> {
  const reader = new MultipartReader(body, boundary)
  const fields = new Map<string, string>()
  let leftBytes = FIELDS_BYTES_MAX
  for (;;) {
    const part = await reader.nextPart()
    if (part === undefined) throw invalid('file', '0', 'POST requires exactly one file upload per request.')
    const name = part.name.toLowerCase()
    if (name === 'file') {
      const filled = fillIn(fields, baseName(part.filename ?? ''))
      return { fields: filled, file: reader.content(), otherBytes: reader.bytesTaken + reader.endBytes }
    }
    if (fields.has(name)) throw invalid(name, undefined, `The field ${name} must not be repeated`)
    if (fields.size === FIELDS_MAX) throw new StoreFault('MaxPostPreDataLengthExceeded', {})
    const value = await reader.text(leftBytes)
    leftBytes -= Buffer.byteLength(name) + Buffer.byteLength(value)
    fields.set(name, value)
  }
}

/** Of a path, what follows the last slash or backslash: some browsers send all of it. */
function baseName(filename: string): string {
  return filename.slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
}

/** What was signed stays as it is. */
const VERBATIM = new Set(['policy', 'signature', 'x-amz-signature'])

function fillIn(fields: ReadonlyMap<string, string>, filename: string): Map<string, string> {
  const entries = Array.from(fields, ([name, value]): [string, string] => [
    name,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own variable
    VERBATIM.has(name) ? value : value.replaceAll('${filename}', () => filename),
  ])
  return new Map(entries)
}
