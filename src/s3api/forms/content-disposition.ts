import { percentDecode } from '../names/percent.ts'

/**
 * Name and file name out of the headers of a form's part: RFC 7578, section 4.2. In quotes, a backslash is one, for
 * browsers send paths; only before a quote does it escape that. `filename*` (RFC 5987), which the RFC forbids in forms,
 * is what Python's urllib3 sends. Undefined: no form's part.
 */
export function dispositionOf(head: string): { name: string; filename: string | undefined } | undefined {
  const line = head.split('\r\n').find((each) => /^content-disposition:/i.test(each))
  if (line === undefined || !/^content-disposition:[ \t]*form-data[ \t]*(?:;|$)/i.test(line)) return undefined
  const parameters = new Map<string, string>()
  for (const [, name, quoted, bare] of line.matchAll(PARAMETER)) {
    parameters.set(name!.toLowerCase(), quoted?.replaceAll('\\"', '"') ?? bare!)
  }
  const name = parameters.get('name') ?? extended(parameters.get('name*'))
  if (name === undefined) return undefined
  return { name, filename: parameters.get('filename') ?? extended(parameters.get('filename*')) }
}

const PARAMETER = /;[ \t]*([A-Za-z*]+)=(?:"((?:\\"|[^"])*)"|([^";\s]*))/g

/** `UTF-8''%e2%82%ac` */
function extended(value: string | undefined): string | undefined {
  const coded = /^utf-8'[^']*'(.*)$/i.exec(value ?? '')?.[1]
  return coded === undefined ? undefined : percentDecode(coded)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Forms of pages in another charset are read as Latin-1. */
export function decodeUtf8OrLatin1(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}
