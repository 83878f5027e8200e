import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { freePorts } from '../../../conformance/support/free-ports.ts'
import { Front } from '../../support/front.ts'
import { isMissing } from '../../support/programs.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'

const CONFIG = fileURLToPath(new URL('../../../deploy/nginx/sextant.conf', import.meta.url))
const MIB = 1024 * 1024
const Bucket = 'site'
const KEPT = 'public, max-age=86400'
const policy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/public/*` }],
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** HIT, MISS, …; undefined: it passed through. */
  cache: unknown
}

/** deploy/nginx before a running store, with what is a host's own filled in. */
class Cache extends Front {
  readonly endpoint: string
  readonly client: S3Client

  static async start(store: StoreUnderTest): Promise<Cache> {
    const [port] = await freePorts(1)
    const cache = new Cache(store, port!)
    const config = readFileSync(CONFIG, 'utf8')
      .replace('/var/cache/nginx/sextant', join(cache.directory, 'cache'))
      .replace('127.0.0.1:8080', new URL(store.announced.endpoint).host)
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replace('/etc/nginx/sextant/certificate.pem', cache.certificateFile)
      .replace('/etc/nginx/sextant/key.pem', cache.keyFile)
      // What the configuration says is asked for again after 10 s.
      .replace('proxy_cache_valid 200 206 10s', 'proxy_cache_valid 200 206 1s')
    writeFileSync(join(cache.directory, 'sextant.conf'), config)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${cache.directory}/${kind};`,
    )
    const main = join(cache.directory, 'nginx.conf')
    const http = `access_log off; ${temporary.join(' ')} include ${cache.directory}/sextant.conf;`
    writeFileSync(
      main,
      `daemon off; ${process.getuid?.() === 0 ? 'user root;' : ''} pid ${cache.directory}/pid; events {} http { ${http} }`,
    )
    cache.run('nginx', ['-c', main, '-e', 'stderr'])
    await cache.until('nginx answers', async () => (await cache.get('/health')).status === 200)
    return cache
  }

  private constructor(store: StoreUnderTest, port: number) {
    super()
    this.endpoint = `https://127.0.0.1:${port}`
    this.client = store.client({ endpoint: this.endpoint, maxAttempts: 1 })
  }

  /** By nobody, unless the headers or the path say who. */
  async get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    const sent = request(`${this.endpoint}${path}`, { method, headers, agent: false })
    const [message] = (await once(sent.end(), 'response')) as [IncomingMessage]
    const cache = message.headers['x-cache']
    return { status: message.statusCode!, headers: message.headers, body: await buffer(message), cache }
  }

  /** Whether any file of the cache has these bytes in it. */
  keeps(bytes: string): boolean {
    const files = readdirSync(join(this.directory, 'cache'), { recursive: true, withFileTypes: true })
    return files.some((file) => file.isFile() && readFileSync(join(file.parentPath, file.name)).includes(bytes))
  }
}

t.test('nginx: a cache in front of a public bucket', { skip: isMissing('nginx') }, async (t) => {
  const store = new StoreUnderTest({ SEXTANT_DEFAULT_PUBLIC_ACCESS_BLOCK: 'false' })
  t.teardown(() => store[Symbol.asyncDispose]())
  await store.start()
  const cache = await Cache.start(store)
  t.teardown(() => cache[Symbol.asyncDispose]())
  const { client } = cache
  const put = async (Key: string, Body: string | Buffer, more = {}) =>
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
  await client.send(new CreateBucketCommand({ Bucket }))
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policy) }))

  await t.test('kept: whole, with its headers, conditions and HEAD answered from the cache', async (t) => {
    const { ETag } = await put('public/a b+c%2F//ä.txt', 'hello', {
      CacheControl: KEPT,
      ContentType: 'text/plain',
      Metadata: { my_own: 'word' },
    })
    const path = '/site/public/a%20b%2Bc%252F//%C3%A4.txt'
    const [first, second] = [await cache.get(path), await cache.get(path)]
    t.match([first.cache, second.cache], ['MISS', 'HIT'])
    for (const { status, headers, body } of [first, second]) {
      t.match({ status, body: String(body) }, { status: 200, body: 'hello' })
      t.match(headers, { etag: ETag, 'cache-control': KEPT, 'content-type': 'text/plain', 'content-length': '5' })
      t.equal(headers['x-amz-meta-my_own'], 'word')
      t.ok(headers['last-modified'])
    }
    const since = first.headers['last-modified']!
    const later = new Date(Date.parse(since) + 60_000).toUTCString()
    for (const [name, value, status] of [
      ['If-None-Match', ETag!, 304],
      ['If-None-Match', '"other"', 200],
      ['If-Match', '"other"', 412],
      ['If-Modified-Since', since, 304],
      ['If-Modified-Since', later, 304],
    ] as const) {
      const answer = await cache.get(path, { [name]: value })
      t.match(answer, { status, cache: status === 412 ? /.*/ : 'HIT' }, `${name}: ${value}`)
    }
    const head = await cache.get(path, {}, 'HEAD')
    t.match(head, { status: 200, cache: 'HIT', headers: { 'content-length': '5', etag: ETag } })
  })

  await t.test('ranges: byte for byte, and no more of the object is fetched than its slices', async (t) => {
    const body = randomBytes(3.5 * MIB)
    await put('public/large', body, { CacheControl: KEPT })
    for (const [from, to] of [
      [MIB - 10, MIB + 9],
      [0, 0],
      [2 * MIB, body.length - 1],
      [MIB + 5, 3 * MIB + 4],
    ] as const) {
      const range = { Range: `bytes=${from}-${to}` }
      for (const answer of [
        await cache.get('/site/public/large', range),
        await cache.get('/site/public/large', range),
      ]) {
        t.match(answer, { status: 206, headers: { 'content-range': `bytes ${from}-${to}/${body.length}` } })
        t.ok(answer.body.equals(body.subarray(from, to + 1)), `${range.Range}, ${answer.cache}`)
      }
    }
    const end = await cache.get('/site/public/large', { Range: 'bytes=-100' })
    t.ok(end.status === 206 && end.body.equals(body.subarray(-100)), 'the last 100')
    const open = await cache.get('/site/public/large', { Range: `bytes=${3 * MIB}-` })
    t.match(open, { status: 206, cache: 'HIT' })
    t.ok(open.body.equals(body.subarray(3 * MIB)))
    const whole = await cache.get('/site/public/large')
    t.match(whole, { status: 200, cache: 'HIT' })
    t.ok(whole.body.equals(body))
    t.equal((await cache.get('/site/public/large', { Range: 'bytes=9999999-' })).status, 416)
    await put('public/empty', '')
    t.match(await cache.get('/site/public/empty'), { status: 200, headers: { 'content-length': '0' } })
    const { etag } = whole.headers
    const same = await cache.get('/site/public/large', { Range: 'bytes=0-9', 'If-Range': etag! })
    t.equal(same.status, 206)
    const other = await cache.get('/site/public/large', { Range: 'bytes=0-9', 'If-Range': '"other"' })
    t.ok(other.status === 200 && other.body.equals(body))
  })

  await t.test('revalidated: what is as it was is not sent again; what was overwritten or deleted is', async (t) => {
    const bodies = [randomBytes(1.5 * MIB), randomBytes(1.5 * MIB)]
    await put('public/page', bodies[0]!)
    const seen = new Set<unknown>()
    await eventually('it is asked for again, and is as it was', 60_000, async () => {
      const answer = await cache.get('/site/public/page')
      t.ok(answer.body.equals(bodies[0]!))
      seen.add(answer.cache)
      return seen.has('REVALIDATED')
    })
    await put('public/page', bodies[1]!)
    await eventually('the new one is served', 60_000, async () => {
      // Between two slices it breaks off.
      const answer = await cache.get('/site/public/page').catch(() => undefined)
      if (!answer) return false
      t.ok(
        bodies.some((body) => answer.body.equals(body)),
        'the old one or the new one, and no mix',
      )
      return answer.body.equals(bodies[1]!)
    })
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'public/page' }))
    // Who may not list is not told whether there is one.
    await eventually('it is gone', 60_000, async () => (await cache.get('/site/public/page')).status === 403)
  })

  await t.test('private: never from the cache, whoever has asked; nothing signed is kept', async (t) => {
    await put('private/x', 'for-members-only')
    await put('public/signed', 'by-a-signed-url')
    const path = '/site/private/x'
    const refused = async (why: string) => t.match(await cache.get(path), { status: 403 }, why)
    await refused('before')
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'private/x' }))
    t.equal(await got.Body!.transformToString(), 'for-members-only')
    await refused('after a signed request')
    const pathOf = async (Key: string) => {
      const url = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket, Key })))
      return url.pathname + url.search
    }
    const signed = await pathOf('private/x')
    for (const spelled of [signed, signed.replace('X-Amz-Signature', 'X-Amz-%53ignature')]) {
      t.match(await cache.get(spelled), { status: 200, cache: undefined })
      await refused('after a signed URL')
    }
    t.equal((await cache.get(signed.replace(/Signature=..../, 'Signature=0000'))).status, 403)
    const signedPublic = await pathOf('public/signed')
    for (let time = 0; time < 2; time++) t.match(await cache.get(signedPublic), { status: 200, cache: undefined })
    t.notOk(cache.keeps('for-members-only') || cache.keeps('by-a-signed-url'), 'neither is on the disk')
    t.match(await cache.get('/site/public/signed'), { status: 200, cache: 'MISS' })
    t.ok(cache.keeps('by-a-signed-url'), 'which can be seen')
  })

  await t.test('writes and listings pass through; what was made private is private', async (t) => {
    const large = randomBytes(6 * MIB)
    const params = { Bucket, Key: 'public/parts', Body: large }
    await new Upload({ client, params, partSize: 5 * MIB }).done()
    t.ok((await cache.get('/site/public/parts')).body.equals(large))
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'public/parts' }))
    t.equal(Contents?.[0]?.Size, large.length)
    await client.send(new DeleteBucketPolicyCommand({ Bucket }))
    await eventually('nobody may', 60_000, async () => (await cache.get('/site/public/parts')).status === 403)
    t.notMatch(cache.said, /\[(emerg|alert|crit)\]/, 'no process of nginx has died')
  })
})
