import { randomBytes } from 'node:crypto'
import t from 'tap'
import { saveResult } from '../support/reliability.ts'
import { Chance } from './chance.ts'
import type { Target } from './field.ts'
import { md5 } from './grammar/intents.ts'
import { KEY_BYTES_MAX, oddText } from './grammar/odd-text.ts'
import { isWhole, openTarget } from './open-target.ts'
import { askAsOwner, textsOf } from './owner-client.ts'

const KEYS = isWhole ? 5_000 : 200
const AT_ONCE = 24
const PAGE = 97
const BUCKET = 'awkward'
const seed = randomBytes(4).readUInt32BE()

/** As many different ones, and then those that no store can keep. */
function awkwardKeys(): { good: string[]; bad: string[] } {
  const good = new Set<string>()
  const bad = new Set<string>(['\0', 'a\0b', `${'x'.repeat(KEY_BYTES_MAX)}\0`])
  for (let serial = 0; good.size < KEYS; serial++) {
    const key = oddText(new Chance(seed, serial))
    if (Buffer.byteLength(key) > KEY_BYTES_MAX) bad.add(key)
    else good.add(key)
  }
  return { good: [...good], bad: [...bad] }
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of left) await work(item)
    }),
  )
}

const bodyOf = (key: string) => Buffer.from(`what ${key} holds`)

/** All keys, page by page; `next` says how the one page leads to the other. */
async function listed(
  target: Target,
  query: readonly [string, string][],
  next: (last: string) => [string, string],
): Promise<string[]> {
  const isCoded = query.some(([name]) => name === 'encoding-type')
  const keys: string[] = []
  let more: [string, string][] = []
  for (;;) {
    const page = await askAsOwner(target, { method: 'GET', bucket: BUCKET, query: [...query, ...more] })
    const texts = textsOf(page, 'Key')
    keys.push(...texts.map((text) => (isCoded ? decodeURIComponent(text) : text)))
    const [token] = textsOf(page, 'NextContinuationToken')
    if (textsOf(page, 'IsTruncated')[0] !== 'true') return keys
    more = [token === undefined ? next(keys.at(-1)!) : ['continuation-token', token]]
  }
}

const { good, bad } = awkwardKeys()
const inOrder = good.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

t.test(`${KEYS} awkward keys come back as they went in (seed ${seed})`, async (t) => {
  await using opened = await openTarget()
  const { target } = opened
  await askAsOwner(target, { method: 'PUT', bucket: BUCKET })

  const wrong: string[] = []
  const note = (isRight: boolean, what: string, key: string) => {
    if (!isRight) wrong.push(`${what}: ${JSON.stringify(key)}`)
  }
  await forEach(good, async (key) => {
    const { status } = await askAsOwner(target, { method: 'PUT', bucket: BUCKET, key, body: bodyOf(key) })
    note(status === 200, `PUT ${status}`, key)
  })
  await forEach(bad, async (key) => {
    for (const method of ['PUT', 'GET', 'HEAD', 'DELETE']) {
      const { status } = await askAsOwner(target, { method, bucket: BUCKET, key })
      note(status === 400, `${method} ${status}, not 400`, key)
    }
  })
  await forEach(good, async (key) => {
    const got = await askAsOwner(target, { method: 'GET', bucket: BUCKET, key })
    note(got.status === 200 && got.body.equals(bodyOf(key)), `GET ${got.status}`, key)
    const head = await askAsOwner(target, { method: 'HEAD', bucket: BUCKET, key })
    const etag = head.headers.find(([name]) => name === 'etag')?.[1]
    note(head.status === 200 && etag === `"${md5(bodyOf(key), 'hex')}"`, `HEAD ${head.status}`, key)
  })
  t.same(wrong.slice(0, 20), [])

  const size: [string, string] = ['max-keys', String(PAGE)]
  const v2: [string, string] = ['list-type', '2']
  const url: [string, string] = ['encoding-type', 'url']
  t.same(await listed(target, [v2, size, url], (last) => ['start-after', last]), inOrder, 'V2, coded')
  t.same(await listed(target, [v2, size], (last) => ['start-after', last]), inOrder, 'V2, in XML')
  t.same(await listed(target, [size, url], (last) => ['marker', last]), inOrder, 'V1, coded, by markers')
  for (const key of inOrder.filter((_, n) => n % 10 === 0)) {
    const page = await askAsOwner(target, {
      method: 'GET',
      bucket: BUCKET,
      query: [v2, ['prefix', key], ['max-keys', '1']],
    })
    note(textsOf(page, 'Key')[0] === key, 'by its prefix', key)
  }

  const half = Math.floor(good.length / 2)
  await forEach(good.slice(0, half), async (key) => {
    const { status } = await askAsOwner(target, { method: 'DELETE', bucket: BUCKET, key })
    note(status === 204, `DELETE ${status}`, key)
  })
  for (let at = half; at < good.length; at += 1000) await deleteInXml(target, good.slice(at, at + 1000), note)
  t.same(await listed(target, [v2, url], () => ['', '']), [], 'all are gone')
  t.same(wrong.slice(0, 20), [])
  await saveResult({
    name: 'awkward keys',
    test: 'test/fuzz/keys.test.ts',
    promise:
      'Whatever the key, it comes back to the letter from GET, HEAD and every listing, and is deleted by its name; what cannot be kept is refused with 400',
    passed: t.passing(),
    runs: `${good.length} keys on a ${isWhole ? 'whole store' : 'gateway over memory'}, seed ${seed}; ${bad.length} that are too long, or hold NUL`,
    result: `${wrong.length} answers that were wrong`,
  })
})

/** Each key in character references throughout: what XML cannot carry otherwise, too. */
async function deleteInXml(
  target: Target,
  keys: readonly string[],
  note: (isRight: boolean, what: string, key: string) => void,
): Promise<void> {
  const names = keys.map((key) => `<Object><Key>${inReferences(key)}</Key></Object>`)
  const body = Buffer.from(`<Delete>${names.join('')}</Delete>`)
  const headers = [['Content-MD5', md5(body, 'base64')] as const]
  const answer = await askAsOwner(target, { method: 'POST', bucket: BUCKET, query: [['delete', '']], headers, body })
  const deleted = new Set(textsOf(answer, 'Key'))
  for (const key of keys) note(deleted.has(key), `DeleteObjects ${answer.status}`, key)
}

function inReferences(key: string): string {
  return [...key]
    .map((char) => (/[A-Za-z0-9/]/.test(char) ? char : `&#x${char.codePointAt(0)!.toString(16)};`))
    .join('')
}
