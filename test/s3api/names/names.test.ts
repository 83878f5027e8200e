import fc from 'fast-check'
import t from 'tap'
import { parseBucketName } from '../../../src/s3api/names/bucket-name.ts'
import { parseCopySource } from '../../../src/s3api/names/copy-source.ts'
import { parseObjectKey } from '../../../src/s3api/names/object-key.ts'
import { canonicalPercent, percentDecode, percentDecodeQuery } from '../../../src/s3api/names/percent.ts'

t.test('bucket names: what S3 allows, and nothing else', async (t) => {
  for (const good of ['abc', '0-9', 'a.b.c', 'x'.repeat(63), 'my-bucket.with.dots', '1.2.3', 'a1.2.3.4']) {
    t.equal(parseBucketName(good), good)
  }
  const bad = [
    ...['', 'ab', 'x'.repeat(64), 'Abc', 'a_b', 'a..b', '-abc', 'abc-', '.abc', 'abc.', '192.168.5.4', 'a b', 'a/b'],
    ...[
      'xn--abc',
      'sthree-abc',
      'amzn-s3-demo-abc',
      'abc-s3alias',
      'abc--ol-s3',
      'abc.mrap',
      'abc--x-s3',
      'abc--table-s3',
    ],
    ...['health', 'abc\n', 'abc\0', 'übc', 'a%b', '...', 'a'.repeat(10_000)],
  ]
  for (const name of bad) t.throws(() => parseBucketName(name), { code: 'InvalidBucketName' }, name)
})

t.test('object keys: 1 to 1,024 bytes of UTF-8, without NUL, otherwise anything', async (t) => {
  for (const good of [
    'a',
    '/',
    '//',
    '..',
    '../x',
    ' ',
    '\n',
    '\u0001',
    'ü'.repeat(512),
    '😀'.repeat(256),
    'a'.repeat(1024),
  ]) {
    t.equal(parseObjectKey(good), good)
  }
  t.throws(() => parseObjectKey('a'.repeat(1025)), { code: 'KeyTooLongError', detail: { sizeBytes: 1025 } })
  t.throws(() => parseObjectKey(`${'ü'.repeat(512)}a`), { code: 'KeyTooLongError' })
  for (const bad of ['', 'a\0b', '\ud800', 'a\udc00']) t.throws(() => parseObjectKey(bad), { code: 'InvalidArgument' })
})

t.test('percent-decoding: what is coded comes back; bad escapes and bytes that are no UTF-8 do not', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const raw = Buffer.from(text).toString('latin1').replaceAll('%', '%25')
      return percentDecode(encodeURIComponent(text)) === text && percentDecode(raw) === text
    }),
  )
  for (const bad of ['%', '%2', '%zz', '%ff', '%c3', '%C0%AF', '%ed%a0%80', '\xff', 'Ł']) {
    t.equal(percentDecode(bad), undefined, bad)
  }
  t.equal(percentDecode('a+b%2B'), 'a+b+')
  t.equal(percentDecodeQuery('a+b%2B'), 'a b+')
  t.equal(percentDecode('%2541'), '%41', 'once')
})

t.test('canonical escapes: one form for each decoded text, and it decodes to the same', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  const spell = (plain: string, how: boolean[]) =>
    [...Buffer.from(plain)]
      .map((byte, i) => {
        const char = String.fromCharCode(byte)
        const hex = byte.toString(16).padStart(2, '0')
        return how[i % how.length] || char === '%' ? `%${i % 2 ? hex : hex.toUpperCase()}` : char
      })
      .join('')
  fc.assert(
    fc.property(text, fc.array(fc.boolean(), { minLength: 1 }), (plain, how) => {
      const canonical = canonicalPercent(spell(plain, how), 'path')
      return (
        canonical === canonicalPercent(encodeURIComponent(plain), 'path') &&
        percentDecode(canonical as string) === plain
      )
    }),
  )
})

t.test('copy source: decoded once, version split off first, with or without the leading slash', async (t) => {
  const parsed = (bucket: string, key: string, versionId?: string) => ({ bucket, key, versionId })
  t.same(parseCopySource('bucket/key'), parsed('bucket', 'key'))
  t.same(parseCopySource('/bucket/key'), parsed('bucket', 'key'))
  t.same(parseCopySource('%2Fbucket%2Fdir%2Fkey'), parsed('bucket', 'dir/key'))
  t.same(parseCopySource('bucket//a/../b/'), parsed('bucket', '/a/../b/'))
  t.same(parseCopySource('bucket/a%20b+c%2520'), parsed('bucket', 'a b+c%20'))
  t.same(parseCopySource('bucket/a%3FversionId%3D1'), parsed('bucket', 'a?versionId=1'))
  t.same(
    parseCopySource('bucket/a%3Fb?versionId=%30123456789abcdef0123456789abcdef'),
    parsed('bucket', 'a?b', '0123456789abcdef0123456789abcdef'),
  )
  t.same(parseCopySource('bucket/a?versionId=null'), parsed('bucket', 'a', 'null'))
  t.same(parseCopySource(`bucket/${Buffer.from('ü').toString('latin1')}`), parsed('bucket', 'ü'), 'raw UTF-8')
  const bad = ['', '/', 'bucket', 'bucket/', '/bucket/', '//bucket/key', 'bucket/%ff', 'bucket/a%', 'bucket/a%00']
  const badVersions = [
    '?',
    '?x=1',
    '?versionId=',
    '?versionId=a%20b',
    '?versionId=a&b=c',
    '?versionId=%00',
    '?versionId=%ff',
  ]
  for (const source of [...bad, ...badVersions.map((version) => `bucket/a${version}`)]) {
    t.throws(() => parseCopySource(source), { code: 'InvalidArgument' }, source)
  }
  t.throws(() => parseCopySource('BUCKET/key'), { code: 'InvalidBucketName' })
  t.throws(() => parseCopySource(`bucket/${'a'.repeat(1025)}`), { code: 'KeyTooLongError' })
})
