import type { Chance } from '../chance.ts'
import { bytesOf, type HttpRequest, headerOf, percentCoded, withHeader } from '../request.ts'
import type { World } from '../world.ts'

/**
 * Changes of a signed request that its signature must not survive. Each is a change of meaning: not of how the same thing
 * is spelled.
 */
export interface Signed {
  request: HttpRequest
  /** `v2`: SigV2 in the query, which signs neither Host nor most of the query. */
  form: 'header' | 'query' | 'v2'
  /** The signature binds the body. */
  isBodySigned: boolean
}

type Forge = (chance: Chance, signed: Signed, world: World) => HttpRequest | undefined

const FORGERIES: readonly (readonly [name: string, forge: Forge])[] = [
  ['another method', otherMethod],
  ['another path', otherPath],
  ['another bucket', otherBucket],
  ['a parameter added', addParameter],
  ['a parameter changed', changeParameter],
  ['a parameter dropped', dropParameter],
  ['an x-amz- header added', addHeader],
  ['a signed header changed', changeHeader],
  ['a signed header dropped', dropHeader],
  ['a signed header twice', repeatHeader],
  ['another Host', otherHost],
  ['another date', otherDate],
  ['another scope', otherScope],
  ['another access key', otherKey],
  ['another signature', otherSignature],
  ['other signed headers', otherSignedHeaders],
  ['another body', otherBody],
  ['another payload hash', otherPayload],
  ['another expiry', otherExpiry],
  ['two ways of signing', signedTwice],
  ['a session token', addToken],
]

/** One forgery; the name says which. */
export function forged(chance: Chance, signed: Signed, world: World): { name: string; request: HttpRequest } {
  for (;;) {
    const [name, forge] = chance.pick(FORGERIES)
    const request = forge(chance, signed, world)
    if (request && !bytesOf(request).equals(bytesOf(signed.request))) return { name, request }
  }
}

export function digitChanged(chance: Chance, hex: string): string {
  const at = chance.below(hex.length)
  const digit = (Number.parseInt(hex[at]!, 16) + chance.between(1, 15)) % 16
  return hex.slice(0, at) + digit.toString(16) + hex.slice(at + 1)
}

function otherMethod(chance: Chance, { request }: Signed): HttpRequest {
  const others = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'].filter((one) => one !== request.method)
  return { ...request, method: chance.pick(others) }
}

/** Not a slash behind a bucket, which is no change. */
function otherPath(chance: Chance, { request }: Signed): HttpRequest {
  const [path, query] = splitTarget(request)
  const more = chance.pick(['x', '/x', '%20', '%2Fx', '.', '%00', '%', ';x'])
  const isKey = path.indexOf('/', 1) > 0
  const changed = isKey && chance.oneIn(2) ? path.slice(0, -1) + (path.endsWith('z') ? 'y' : 'z') : path + more
  return { ...request, target: changed + query }
}

function otherBucket(_: Chance, { request }: Signed, { vault, field }: World): HttpRequest | undefined {
  const { target } = request
  if (target.startsWith(`/${vault}`)) return { ...request, target: `/${field}${target.slice(vault.length + 1)}` }
  if (target.startsWith(`/${field}`)) return { ...request, target: `/${vault}${target.slice(field.length + 1)}` }
  return undefined
}

/** SigV2 signs no parameters that only choose pages: it is only given ones that it must refuse. */
function addParameter(chance: Chance, { request, form }: Signed): HttpRequest {
  const covered = [
    'versionId=null',
    'acl',
    'uploads',
    'delete',
    'tagging=',
    'partNumber=1',
    'x-amz-acl=private',
    'evil=1',
  ]
  const paging = ['prefix=x', 'max-keys=1', 'list-type=2', 'encoding-type=url', 'x-id=Evil', '=', 'a=%20']
  const more = chance.pick(form === 'v2' ? covered : [...covered, ...paging])
  return { ...request, target: `${request.target}${request.target.includes('?') ? '&' : '?'}${more}` }
}

function changeParameter(chance: Chance, { request, form }: Signed): HttpRequest | undefined {
  return onParameter(chance, request, (pair) => {
    // SigV2's signature is base64: its last digit holds bits that mean nothing.
    const isLoose = form === 'v2' && pair.startsWith('Signature=')
    return isLoose ? undefined : `${pair}${pair.includes('=') ? '' : '='}${chance.pick(['1', 'a', '0', '%41'])}`
  })
}

function dropParameter(chance: Chance, { request }: Signed): HttpRequest | undefined {
  return onParameter(chance, request, () => '')
}

function addHeader(chance: Chance, { request }: Signed): HttpRequest | undefined {
  const [name, value] = chance.pick([
    ['x-amz-meta-evil', '1'],
    ['x-amz-acl', 'private'],
    ['x-amz-copy-source', '/vault/treasure'],
    ['X-AMZ-Tagging', ''],
    ['x-amz-website-redirect-location', '/evil'],
    ['x-amz-expected-bucket-owner', 'me'],
    ['x-amz-', 'x'],
  ] as const)
  return headerOf(request, name) === undefined ? withHeader(request, name, value) : undefined
}

function changeHeader(chance: Chance, signed: Signed): HttpRequest | undefined {
  return onSignedHeader(chance, signed, ([name, value]) => [[name, `${value}${chance.pick(['x', '0', ',x', ' x'])}`]])
}

function dropHeader(chance: Chance, signed: Signed): HttpRequest | undefined {
  return onSignedHeader(chance, signed, () => [])
}

function repeatHeader(chance: Chance, signed: Signed): HttpRequest | undefined {
  return onSignedHeader(chance, signed, (header) => [header, [header[0], chance.pick([header[1], 'x', ''])]])
}

function otherHost(chance: Chance, { request, form }: Signed): HttpRequest | undefined {
  if (form === 'v2') return undefined
  const host = headerOf(request, 'host')!
  return withHeader(
    request,
    'Host',
    chance.pick(['evil.example', `vault.${host}`, `${host}0`, '', `${host}.`, 's3.amazonaws.com']),
  )
}

function otherDate(chance: Chance, { request, form }: Signed): HttpRequest | undefined {
  if (form === 'v2') return undefined
  const other = chance.pick([
    '',
    '0',
    '20130524T000000Z',
    '99991231T235959Z',
    'Fri, 24 May 2013 00:00:00 GMT',
    '20260230T000000Z',
  ])
  if (form === 'header') return withHeader(request, 'x-amz-date', other)
  return { ...request, target: request.target.replace(/X-Amz-Date=[^&]*/, `X-Amz-Date=${percentCoded(other)}`) }
}

function otherScope(chance: Chance, { request, form }: Signed): HttpRequest | undefined {
  if (form === 'v2') return undefined
  const [from, to] = chance.pick([
    ['us-east-1', 'eu-west-1'],
    ['us-east-1', ''],
    ['s3', 'ec2'],
    ['aws4_request', 'aws4_evil'],
    ['20', '19'],
  ] as const)
  return onCredential(request, (scope) => scope.replace(from, to))
}

function otherKey(chance: Chance, { request, form }: Signed, { stranger, owner }: World): HttpRequest {
  const other = chance.pick([
    stranger.accessKeyId,
    'AKNOBODY',
    '',
    '*',
    `${owner.accessKeyId}x`,
    'root',
    '%00',
    '../..',
  ])
  if (form !== 'v2') return onCredential(request, () => undefined, other)
  return { ...request, target: request.target.replace(/AWSAccessKeyId=[^&]*/, `AWSAccessKeyId=${other}`) }
}

function otherSignature(chance: Chance, { request, form }: Signed): HttpRequest {
  if (form === 'v2') {
    const other = chance.pick(['', 'AAAA', 'A'.repeat(27), `${'A'.repeat(27)}=`, '%00', '='])
    return { ...request, target: request.target.replace(/Signature=[^&]*/, `Signature=${percentCoded(other)}`) }
  }
  return onSignature(request, (hex) =>
    chance.pick([
      () => digitChanged(chance, hex),
      () => hex.slice(0, chance.below(hex.length)),
      () => `${hex}0`,
      () => `0${hex}`,
      () => '0'.repeat(64),
      () => 'g'.repeat(64),
      () => (/[a-f]/.test(hex) ? hex.toUpperCase() : ''),
      () => `${hex.slice(0, 63)}\xff`,
    ])(),
  )
}

function otherSignedHeaders(chance: Chance, { request, form }: Signed): HttpRequest | undefined {
  if (form === 'v2') return undefined
  const mark = form === 'header' ? ';' : '%3B'
  const change = (list: string) => {
    const names = list.split(mark)
    const cut = names.filter((_, at) => at !== 0)
    return chance
      .pick([[...names, 'x-evil'], [...names, names[0]!], cut, [...names.map((name) => name.toUpperCase())], ['']])
      .join(mark)
  }
  const pattern = /(SignedHeaders=)([^,&]*)/
  const replace = (text: string) => text.replace(pattern, (_, name: string, list: string) => name + change(list))
  if (form === 'query') return { ...request, target: replace(request.target) }
  return withHeader(request, 'Authorization', replace(headerOf(request, 'authorization')!))
}

function otherBody(chance: Chance, { request, isBodySigned }: Signed): HttpRequest | undefined {
  if (!isBodySigned || (request.method !== 'PUT' && request.method !== 'POST')) return undefined
  const changed = Buffer.from(request.body)
  if (changed.length > 0 && chance.oneIn(2)) changed[chance.below(changed.length)]! ^= 1 << chance.below(8)
  const body = changed.equals(request.body) ? Buffer.concat([changed, chance.bytes(chance.between(1, 5))]) : changed
  return { ...withHeader(request, 'Content-Length', String(body.length)), body }
}

function otherPayload(chance: Chance, { request, form, isBodySigned }: Signed): HttpRequest | undefined {
  if (form !== 'header') return undefined
  const others = [
    '',
    'x',
    '0'.repeat(64),
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'unsigned-payload',
  ]
  return withHeader(
    request,
    'x-amz-content-sha256',
    chance.pick(isBodySigned ? [...others, 'UNSIGNED-PAYLOAD'] : others),
  )
}

function otherExpiry(chance: Chance, { request, form }: Signed): HttpRequest | undefined {
  if (form === 'header') return undefined
  const other = chance.pick(['604800', '1', '0', '-1', 'x', '', '9999999999', '1e3', '00000900', '%00', '604801'])
  return { ...request, target: request.target.replace(/Expires=[^&]*/, `Expires=${other}`) }
}

function signedTwice(chance: Chance, { request, form }: Signed): HttpRequest {
  if (form === 'header') {
    const more = chance.pick([
      'X-Amz-Signature=0',
      'X-Amz-Algorithm=AWS4-HMAC-SHA256',
      'AWSAccessKeyId=x',
      'Signature=x',
      'X-Amz-Credential=',
    ])
    return { ...request, target: `${request.target}${request.target.includes('?') ? '&' : '?'}${more}` }
  }
  return withHeader(
    request,
    'Authorization',
    chance.pick(['AWS a:b', 'AWS4-HMAC-SHA256 x', 'Basic eDp5', 'Bearer x', '', 'x']),
  )
}

function addToken(chance: Chance, { request }: Signed): HttpRequest {
  return withHeader(request, 'x-amz-security-token', chance.pick(['x', '', 'FwoGZXIvYXdzE']))
}

function onParameter(chance: Chance, request: HttpRequest, change: (pair: string) => string | undefined) {
  const [path, query] = splitTarget(request)
  if (query === '') return undefined
  const pairs = query.slice(1).split('&')
  const at = chance.below(pairs.length)
  const changed = change(pairs[at]!)
  if (changed === undefined) return undefined
  const left = pairs.map((pair, n) => (n === at ? changed : pair)).filter((pair) => pair !== '')
  return { ...request, target: left.length === 0 ? path : `${path}?${left.join('&')}` }
}

/** SigV2 in the query signs x-amz- headers alone; what is signed is at least Host. */
function onSignedHeader(
  chance: Chance,
  { request, form }: Signed,
  change: (header: HttpRequest['headers'][number]) => HttpRequest['headers'],
): HttpRequest | undefined {
  const isSigned = (name: string) =>
    name.startsWith('x-amz-') || (form !== 'v2' && (name === 'host' || name === 'range'))
  const places = request.headers.flatMap(([name], at) => (isSigned(name.toLowerCase()) ? [at] : []))
  if (places.length === 0) return undefined
  const place = chance.pick(places)
  return { ...request, headers: request.headers.flatMap((header, at) => (at === place ? change(header) : [header])) }
}

function onCredential(
  request: HttpRequest,
  change: (scope: string) => string | undefined,
  keyId?: string,
): HttpRequest {
  const replace = (mark: string) => (_: string, name: string, id: string, scope: string) =>
    `${name}${keyId ?? id}${mark}${change(scope) ?? scope}`
  const authorization = headerOf(request, 'authorization')
  if (authorization === undefined) {
    return { ...request, target: request.target.replace(/(X-Amz-Credential=)([^&]*?)%2F([^&]*)/, replace('%2F')) }
  }
  return withHeader(request, 'Authorization', authorization.replace(/(Credential=)([^/]*)\/([^,]*)/, replace('/')))
}

function onSignature(request: HttpRequest, change: (hex: string) => string): HttpRequest {
  const replace = (_: string, name: string, hex: string) => name + change(hex)
  const authorization = headerOf(request, 'authorization')
  if (authorization === undefined)
    return { ...request, target: request.target.replace(/(Signature=)([0-9a-f]*)/, replace) }
  return withHeader(request, 'Authorization', authorization.replace(/(Signature=)([0-9a-f]*)/, replace))
}

function splitTarget({ target }: HttpRequest): [path: string, query: string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark)]
}
