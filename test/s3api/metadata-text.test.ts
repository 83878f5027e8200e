import fc from 'fast-check'
import t from 'tap'
import { decodeMetadata, encodeMetadata } from '../../src/s3api/objects/metadata-text.ts'

/** As Node hands headers over: a character a byte. */
const onWire = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('latin1')

t.test('raw UTF-8, Latin-1 and RFC 2047 words mean the same', async (t) => {
  for (const raw of [
    onWire('größe'),
    onWire('größe', 'latin1'),
    '=?UTF-8?B?Z3LDtsOfZQ==?=',
    '=?utf-8?q?gr=C3=B6=C3=9Fe?=',
  ]) {
    t.equal(decodeMetadata(raw), 'größe', raw)
  }
  t.equal(decodeMetadata('=?ISO-8859-1?Q?gr=F6=DFe?='), 'größe')
  t.equal(decodeMetadata('=?UTF-8?Q?a?= =?UTF-8?Q?b?= c'), 'ab c')
})

t.test('what is not ASCII is told as encoded words', async (t) => {
  t.equal(encodeMetadata('plain text'), 'plain text')
  t.equal(encodeMetadata('größe'), '=?UTF-8?Q?gr=C3=B6=C3=9Fe?=')
  t.equal(encodeMetadata('日本語'), '=?UTF-8?B?5pel5pys6Kqe?=')
})

t.test('a word that cannot be read, or hides a line break, stays as it is', async (t) => {
  for (const raw of ['=?UTF-8?B?/w==?=', '=?KOI8-R?Q?=C1?=', '=?UTF-8?Q?a=0D=0Ab?=', '=?UTF-8?B?AA==?=', '=?broken']) {
    t.equal(decodeMetadata(raw), raw)
  }
})

t.test('any text comes back, in words of at most 75 ASCII characters', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 300 }).map((each) => each.replaceAll(/\p{Cc}/gu, ''))
  fc.assert(
    fc.property(text, (each) => {
      const told = encodeMetadata(each)
      const isBounded = told === each || told.split(' ').every((word) => word.length <= 75)
      return /^[\x20-\x7e]*$/.test(told) && isBounded && decodeMetadata(told) === each
    }),
  )
})

t.test('any bytes are taken, and no header can be broken by them', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const raw = Buffer.from(bytes.map((byte) => (byte < 0x20 || byte === 0x7f ? 0x41 : byte))).toString('latin1')
      return /^[\x20-\x7e]*$/.test(encodeMetadata(decodeMetadata(raw)))
    }),
  )
})
