import type { Chance } from '../chance.ts'
import { latin1, percentCoded } from '../request.ts'
import { MADE, type World } from '../world.ts'
import { plain, putObject, requestOf } from './intents.ts'
import type { OddRequest } from './odd-requests.ts'
import { asLatin1, longText, oddBytes, oddText } from './odd-text.ts'
import { oddDocument } from './odd-xml.ts'

const METHODS = ['PUT', 'PUT', 'GET', 'HEAD', 'DELETE', 'POST'] as const

/** A key of odd text, coded rightly, though not always in the one usual way. */
export function oddKey(chance: Chance, world: World, serial: number): OddRequest {
  const key = chance.oneIn(20) ? `${oddText(chance)}\0` : oddText(chance)
  const method = chance.pick(METHODS)
  const intent =
    method === 'PUT'
      ? { ...putObject(chance, world, serial), key }
      : { ...plain(method, world.field), key, query: method === 'POST' ? [['uploads'] as const] : [] }
  const request = requestOf(intent, world)
  return {
    note: `${method} of an odd key`,
    request: { ...request, target: spelled(chance, request.target) },
    sets: [key],
  }
}

/** The same path, escaped otherwise. */
function spelled(chance: Chance, target: string): string {
  switch (chance.below(4)) {
    case 0:
      return target.replaceAll(/%[0-9A-F]{2}/g, (coded) => coded.toLowerCase())
    case 1:
      return target.replaceAll(/%(2[1249A-CEF]|3[ABD]|40|5F|7E)/g, (_, hex: string) => charOf(hex))
    case 2:
      return target.replaceAll(/%([89A-F][0-9A-F])/g, (_, hex: string) => charOf(hex))
    default:
      return target
  }
}

/** Bytes that may be no path at all. */
export function oddPath(chance: Chance, world: World): OddRequest {
  const text = asLatin1(chance.pick([oddBytes, oddText, longText])(chance))
  const raw = text.replaceAll(/[ ?\p{Cc}]/gu, (char) => percentCoded(char))
  const path = `/${world.field}/${chance.pick([raw, percentCoded(text)])}`
  const request = requestOf(plain(chance.pick(METHODS), world.field), world)
  return { note: 'an odd path', request: { ...request, target: path }, sets: decodings(path) }
}

/** The key that the path means, where it means anything. */
function decodings(path: string): string[] {
  try {
    const bytes = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => charOf(hex))
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'))
    return [text.slice(text.indexOf('/', 1) + 1)]
  } catch {
    return []
  }
}

const BUCKETS = 'a ab AAAAAAAAAA .. 192.168.0.1 xn--x a_b -ab ab- a..b health'.split(' ')

export function oddBucket(chance: Chance, world: World, serial: number): OddRequest {
  const odd = chance.pick([...BUCKETS, 'a'.repeat(64), `_${oddText(chance)}`])
  const bucket = chance.oneIn(4) ? `${MADE}${serial}` : odd
  const xml = chance.oneIn(2) ? '' : oddDocument(chance, 'CreateBucketConfiguration', ['LocationConstraint'])
  const intent = plain(chance.pick(['PUT', 'GET', 'HEAD', 'DELETE']), 'b')
  const request = requestOf({ ...intent, body: Buffer.from(xml, 'latin1') }, world)
  return { note: 'an odd bucket', request: { ...request, target: `/${percentCoded(latin1(bucket))}` }, sets: [] }
}

function charOf(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}
