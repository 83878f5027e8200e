import t from 'tap'
import { element, elements, objectPath, openSuite } from '../support/suite.ts'

const { bucket, send } = await openSuite(t)
const keys = ['a b/c+d', 'a b/ü', 'quote"\'<>&', 'per%cent', 'new\nline', 'carriage\rreturn', 'ctl\u0001']
for (const key of keys) await send({ method: 'PUT', path: objectPath(bucket, key), body: 'x' })

/** How S3 encodes under encoding-type=url: unreserved and `/` stay, all else is percent-encoded, a space is + or %20. */
const encoded = (text: string) =>
  encodeURIComponent(text)
    .replace(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')

for (const [version, query] of [
  ['V2', 'list-type=2&'],
  ['V1', ''],
] as const) {
  const list = async (rest: string) => (await send({ method: 'GET', path: `/${bucket}?${query}${rest}` })).body

  t.test(`ListObjects${version}: encoding-type=url: keys encoded, + as %2B, / kept, raw order (quirk 1)`, async (t) => {
    const body = await list('encoding-type=url')
    t.equal(element(body, 'EncodingType'), 'url')
    const shown = elements(body, 'Key').map((key) => key.replaceAll('+', '%20'))
    const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    t.same(shown.map(decodeURIComponent), sorted, 'they decode to the keys, in the order of their bytes')
    t.ok(
      elements(body, 'Key').some((key) => key.includes('%2B')),
      'a plus is %2B',
    )
    t.same(shown, sorted.map(encoded))
  })

  t.test(
    `ListObjects${version}: encoding-type=url: Prefix, Delimiter, CommonPrefixes and markers encoded too (quirk 1)`,
    async (t) => {
      const marker = version === 'V2' ? 'start-after' : 'marker'
      const body = await list(`encoding-type=url&prefix=a%20b%2F&delimiter=%2B&${marker}=a%20%2B`)
      const normal = (name: string) => elements(body, name).map((text) => text.replaceAll('+', '%20'))
      t.ok(normal('Prefix').includes('a%20b/'), 'Prefix')
      t.ok(normal('Prefix').includes('a%20b/c%2B'), 'CommonPrefixes')
      t.same(normal('Delimiter'), ['%2B'])
      t.same(normal(version === 'V2' ? 'StartAfter' : 'Marker'), ['a%20%2B'])
    },
  )

  t.test(`ListObjects${version}: without encoding-type: XML that reads back as the keys`, async (t) => {
    const body = await list('')
    t.equal(element(body, 'EncodingType'), undefined)
    const writable = keys.filter((key) => !key.includes('\u0001')).sort()
    const shown = elements(body, 'Key').filter((key) => !key.startsWith('ctl'))
    t.same(shown, writable)
    t.match(
      String(body),
      /carriage&#(13|xD);return/i,
      'a carriage return as a reference, or parsers make it a line feed',
    )
  })
}

t.test('ListMultipartUploads: encoding-type=url: keys and prefixes encoded (quirk 1)', async (t) => {
  const made = await send({ method: 'POST', path: `${objectPath(bucket, 'up load+1')}?uploads` })
  const uploadId = element(made.body, 'UploadId')!
  const { body } = await send({ method: 'GET', path: `/${bucket}?uploads&encoding-type=url&prefix=up%20` })
  t.same(
    elements(body, 'Key').map((key) => key.replaceAll('+', '%20')),
    ['up%20load%2B1'],
  )
  t.same(
    elements(body, 'Prefix').map((key) => key.replaceAll('+', '%20')),
    ['up%20'],
  )
  const path = `${objectPath(bucket, 'up load+1')}?uploadId=${encodeURIComponent(uploadId)}`
  t.equal((await send({ method: 'DELETE', path })).status, 204)
})
