import fc from 'fast-check'
import t from 'tap'
import { parseByteRange, parseCopyRange } from '../../../src/s3api/names/byte-range.ts'
import { listsETag, parseETagList } from '../../../src/s3api/names/etag-list.ts'
import { formatAmzDate, parseAmzDate, parseHttpDate } from '../../../src/s3api/names/http-date.ts'

t.test('byte ranges: from, to, both, suffix, clamped to the object', async (t) => {
  const cases: [string | undefined, number, [number, number] | undefined][] = [
    [undefined, 10, undefined],
    ['bytes=0-0', 10, [0, 0]],
    ['bytes=0-', 10, [0, 9]],
    ['bytes=3-5', 10, [3, 5]],
    ['bytes=3-99', 10, [3, 9]],
    ['bytes=9-', 10, [9, 9]],
    ['bytes=-1', 10, [9, 9]],
    ['bytes=-10', 10, [0, 9]],
    ['bytes=-99', 10, [0, 9]],
    ['Bytes=1-2', 10, [1, 2]],
    [' bytes=1-2 ', 10, [1, 2]],
    ['bytes=0-9223372036854775807', 10, [0, 9]],
  ]
  for (const [header, size, expected] of cases) {
    t.same(parseByteRange(header, size), expected && { first: expected[0], last: expected[1] }, `${header}`)
  }
})

t.test('byte ranges: bad syntax, other units and several ranges are ignored', async (t) => {
  const ignored = [
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-3',
    'bytes=a-b',
    'bytes=1-2,4-5',
    'items=0-1',
    'bytes 0-1',
  ]
  for (const header of [
    ...ignored,
    'bytes=--1',
    'bytes=1 - 2',
    'bytes=0x1-2',
    'bytes=+1-2',
    `bytes=0-${'9'.repeat(20)}`,
  ]) {
    t.equal(parseByteRange(header, 10), undefined, header)
  }
})

t.test('byte ranges: beyond the end, a suffix of nothing, and anything of an empty object: 416', async (t) => {
  for (const [header, size] of [
    ['bytes=10-', 10],
    ['bytes=10-20', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=0-0', 0],
    ['bytes=-1', 0],
  ] as const) {
    t.throws(() => parseByteRange(header, size), { code: 'InvalidRange', detail: { sizeBytes: size } }, header)
  }
})

t.test('copy ranges: both ends, within the source', async (t) => {
  t.equal(parseCopyRange(undefined, 5), undefined)
  t.same(parseCopyRange('bytes=0-4', 5), { first: 0, last: 4 })
  for (const bad of ['', 'bytes=0-', 'bytes=-4', '0-4', 'bytes=3-1', 'bytes=a-b', 'bytes=0-1,2-3', 'BYTES=0-1']) {
    t.throws(() => parseCopyRange(bad, 5), { code: 'InvalidArgument' }, bad)
  }
  t.throws(() => parseCopyRange('bytes=0-5', 5), { code: 'InvalidRange' })
})

t.test('HTTP dates: three forms', async (t) => {
  const now = Date.UTC(2026, 0, 1)
  const expected = Date.UTC(1994, 10, 6, 8, 49, 37)
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Sun, 06 Nov 1994 08:49:37 +0000',
  ]) {
    t.equal(parseHttpDate(text, now), expected, text)
  }
  t.equal(parseHttpDate('Sunday, 06-Nov-75 00:00:00 GMT', now), Date.UTC(2075, 10, 6))
  t.equal(parseHttpDate('Sunday, 06-Nov-77 00:00:00 GMT', now), Date.UTC(1977, 10, 6))
  t.equal(parseHttpDate('Thu, 30 Jun 2016 23:59:60 GMT', now), Date.UTC(2016, 5, 30, 23, 59, 59))
  for (const bad of [
    ...['', 'now', '0', '1994-11-06', 'Sun, 6 Nov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 PST'],
    ...['Sun, 31 Feb 2020 00:00:00 GMT', 'Sun, 06 Nov 1994 24:00:00 GMT', 'Sun, 06 Nov 1994 08:60:00 GMT'],
    ...['Sun, 06 Nov 1994 08:49:37 GMT ', 'Xyz, 06 Nov 1994 08:49:37 GMT', 'Sun, 06 nov 1994 08:49:37 GMT'],
  ]) {
    t.equal(parseHttpDate(bad, now), undefined, bad)
  }
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (date) => {
      const seconds = Math.floor(date.getTime() / 1000) * 1000
      return parseHttpDate(date.toUTCString(), now) === seconds && parseAmzDate(formatAmzDate(seconds)) === seconds
    }),
  )
  for (const bad of ['20130524', '20130524T000000', '20130524T240000Z', '20130230T000000Z', '20131301T000000Z']) {
    t.equal(parseAmzDate(bad), undefined, bad)
  }
})

t.test('ETag lists: quoted or bare, weak or strong, several, or any', async (t) => {
  const tag = (value: string, isWeak = false) => ({ value, isWeak })
  t.equal(parseETagList(' * '), '*')
  t.same(parseETagList('"a"'), [tag('a')])
  t.same(parseETagList('a-3'), [tag('a-3')])
  t.same(parseETagList('W/"a", "b,c" , d,, ""'), [tag('a', true), tag('b,c'), tag('d'), tag('')])
  t.same(parseETagList(''), [])
  t.same(parseETagList('"open'), [tag('open')])
  t.ok(listsETag('*', 'x', 'strong'))
  t.ok(listsETag([tag('x', true)], 'x', 'weak'))
  t.notOk(listsETag([tag('x', true)], 'x', 'strong'))
  t.notOk(listsETag([tag('x')], 'y', 'weak'))
  fc.assert(fc.property(fc.string(), (text) => parseETagList(text) !== undefined))
})
