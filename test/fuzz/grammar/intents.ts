import { createHash } from 'node:crypto'
import type { Chance } from '../chance.ts'
import { type Header, type HttpRequest, latin1, percentCoded } from '../request.ts'
import type { World } from '../world.ts'

/** Something that the owner may do, not yet signed. */
export interface Intent {
  operation: string
  method: string
  bucket: string | undefined
  /** Text; absent: the bucket itself. */
  key?: string
  /** Latin-1, not coded. */
  query: readonly (readonly [name: string, value?: string])[]
  headers: readonly Header[]
  body: Buffer
  /** The key of the field that it sets. */
  sets?: string
}

type Make = (chance: Chance, world: World, serial: number) => Intent

/** Each must succeed when it is signed and left as it is. */
const INTENTS: readonly (readonly [weight: number, make: Make])[] = [
  [6, putObject],
  [2, (_, { vault, treasure }) => reading('GetObject', 'GET', vault, treasure)],
  [
    1,
    (_, { vault, treasure }) => ({
      ...reading('GetObject', 'GET', vault, treasure),
      headers: [['Range', 'bytes=1-5']],
    }),
  ],
  [1, (_, { vault, treasure }) => reading('HeadObject', 'HEAD', vault, treasure)],
  [1, (_, { vault }) => reading('HeadBucket', 'HEAD', vault)],
  [1, (_, { vault }) => reading('GetBucketLocation', 'GET', vault, undefined, [['location']])],
  [
    1,
    (_, { vault }) =>
      reading('ListObjectsV2', 'GET', vault, undefined, [
        ['list-type', '2'],
        ['prefix', ''],
        ['max-keys', '7'],
      ]),
  ],
  [
    1,
    (_, { vault }) =>
      reading('ListObjects', 'GET', vault, undefined, [
        ['delimiter', '/'],
        ['encoding-type', 'url'],
      ]),
  ],
  [1, () => reading('ListBuckets', 'GET', undefined)],
  [1, (_, { field }) => reading('ListMultipartUploads', 'GET', field, undefined, [['uploads'], ['max-uploads', '3']])],
  [1, (_, { field, upload }) => reading('ListParts', 'GET', field, upload.key, [['uploadId', upload.id]])],
  [1, copyObject],
  [1, createUpload],
  [1, uploadPart],
  [1, deleteObject],
  [1, deleteObjects],
]

export function someIntent(chance: Chance, world: World, serial: number): Intent {
  return chance.weighted(INTENTS)(chance, world, serial)
}

/** A key of the field that is this case's own. */
export function ownKey(serial: number): string {
  return `f/${serial}`
}

export function putObject(chance: Chance, { field }: World, serial: number): Intent {
  const headers: Header[] = [['Content-Type', 'text/plain']]
  if (chance.oneIn(2)) headers.push(['x-amz-meta-a', `of case ${serial}`])
  const body = chance.bytes(chance.pick([0, 1, 12, 300]))
  const key = ownKey(serial)
  return { operation: 'PutObject', method: 'PUT', bucket: field, key, query: [], headers, body, sets: key }
}

/** Coded, with a length where there can be a body; not signed. */
export function requestOf({ method, bucket, key, query, headers, body }: Intent, { host }: World): HttpRequest {
  const path = bucket === undefined ? '/' : `/${bucket}${key === undefined ? '' : `/${percentCoded(latin1(key), '/')}`}`
  const coded = query.map(
    ([name, value]) => percentCoded(name) + (value === undefined ? '' : `=${percentCoded(value)}`),
  )
  const target = coded.length === 0 ? path : `${path}?${coded.join('&')}`
  const length: Header[] = method === 'PUT' || method === 'POST' ? [['Content-Length', String(body.length)]] : []
  return { method, target, version: 'HTTP/1.1', headers: [['Host', host], ...headers, ...length], body }
}

export function md5(body: Buffer, coding: 'hex' | 'base64'): string {
  return createHash('md5').update(body).digest(coding)
}

/** Of a bucket, with nothing more. */
export function plain(method: string, bucket: string): Intent {
  return reading('', method, bucket)
}

/** The keys of the field that it may set, however it is changed before it is signed. */
export function setBy({ sets }: Intent, { upload }: World): string[] {
  return sets === undefined ? [upload.key] : [sets, upload.key]
}

function reading(
  operation: string,
  method: string,
  bucket: string | undefined,
  key?: string,
  query: Intent['query'] = [],
): Intent {
  return { operation, method, bucket, ...(key !== undefined && { key }), query, headers: [], body: Buffer.alloc(0) }
}

function copyObject(_: Chance, { field, vault, treasure }: World, serial: number): Intent {
  const key = ownKey(serial)
  const headers: Header[] = [['x-amz-copy-source', `/${vault}/${percentCoded(latin1(treasure))}`]]
  return { ...reading('CopyObject', 'PUT', field, key), headers, sets: key }
}

function createUpload(_: Chance, { field }: World, serial: number): Intent {
  return reading('CreateMultipartUpload', 'POST', field, ownKey(serial), [['uploads']])
}

function uploadPart(chance: Chance, { field, upload }: World): Intent {
  const query: Intent['query'] = [
    ['partNumber', String(chance.between(100, 200))],
    ['uploadId', upload.id],
  ]
  return { ...reading('UploadPart', 'PUT', field, upload.key, query), body: chance.bytes(20) }
}

function deleteObject(_: Chance, { field }: World, serial: number): Intent {
  return reading('DeleteObject', 'DELETE', field, ownKey(serial))
}

function deleteObjects(_: Chance, { field }: World, serial: number): Intent {
  const body = Buffer.from(`<Delete><Object><Key>${ownKey(serial)}</Key></Object><Quiet>true</Quiet></Delete>`)
  const headers: Header[] = [['Content-MD5', md5(body, 'base64')]]
  return { ...reading('DeleteObjects', 'POST', field, undefined, [['delete']]), headers, body }
}
