import { deliver, type Outcome } from './deliver.ts'
import type { Target } from './field.ts'
import { bytesOf, type Header, latin1, percentCoded } from './request.ts'
import { sha256, signInHeader } from './sign.ts'

export interface Asked {
  method: string
  bucket: string
  /** Text. */
  key?: string
  query?: readonly (readonly [name: string, value: string])[]
  headers?: readonly Header[]
  body?: Buffer
}

/** One request of the owner's, signed, byte by byte, on a connection of its own. */
export function askAsOwner({ endpoint, region, owner }: Target, asked: Asked): Promise<Outcome> {
  const { method, bucket, key, query = [], headers = [], body = Buffer.alloc(0) } = asked
  const path = `/${bucket}${key === undefined ? '' : `/${percentCoded(latin1(key), '/')}`}`
  const coded = query.map(([name, value]) => `${name}=${percentCoded(latin1(value))}`).join('&')
  const all: Header[] = [['Host', endpoint.host], ...headers, ['Connection', 'close'], ['User-Agent', 'owner']]
  if (method === 'PUT' || method === 'POST') all.push(['Content-Length', String(body.length)])
  const plain = { method, target: coded === '' ? path : `${path}?${coded}`, version: 'HTTP/1.1', headers: all, body }
  const signed = signInHeader(plain, { key: owner, region, atMs: Date.now(), payload: sha256(body) })
  const place = { host: endpoint.hostname, port: Number(endpoint.port) }
  return deliver(place, { pieces: [bytesOf(signed)], isWhole: true })
}

/** Texts of the elements of a name, in order, entities decoded. */
export function textsOf({ body }: Outcome, name: string): string[] {
  const found = body.toString().matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))
  return [...found].map(([, text]) => decoded(text!))
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

function decoded(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|(\w+));/g, (whole, hex: string | undefined, name: string) =>
    hex === undefined ? (NAMED[name] ?? whole) : String.fromCodePoint(Number.parseInt(hex, 16)),
  )
}
