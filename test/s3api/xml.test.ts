import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import { boolean, etag, integer, text, timestamp } from '../../src/s3api/xml/kinds.ts'
import { readXml } from '../../src/s3api/xml/read-xml.ts'
import { flatList, type Infer, listOf, optional, structure, type TextShape } from '../../src/s3api/xml/shape.ts'
import { escapeText, writeXml } from '../../src/s3api/xml/write-xml.ts'

const shape = structure({
  Name: text,
  Size: optional(integer),
  On: optional(boolean),
  At: optional(timestamp),
  Item: flatList(structure({ Key: text, ETag: optional(etag) })),
  Names: listOf('Name', text),
})
const read = (document: string) => readXml('Root', shape, Buffer.from(document))
const isMalformed = (document: string | Buffer) => {
  try {
    readXml('Root', shape, Buffer.from(document as string))
    return false
  } catch (error) {
    return isFault(error, 'MalformedXML')
  }
}

t.test('what is written is read again, whatever the text', async () => {
  const character = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('&', '<', ']]>', '\r\n', '\u0001', '"', ' ', '\ufffe', '__proto__'),
  )
  const anyText = fc.array(character, { maxLength: 6 }).map((parts) => parts.join('').toWellFormed())
  const item = fc.record({ Key: anyText, ETag: fc.option(fc.constantFrom('ab', 'cd-2'), { nil: undefined }) })
  const value = fc.record({
    Name: anyText,
    Item: fc.array(item, { maxLength: 3 }),
    Names: fc.array(anyText, { maxLength: 3 }),
  })
  fc.assert(
    fc.property(value, (each) => {
      const again = read(writeXml('Root', shape, each as Infer<typeof shape>))
      return (
        again.Name === each.Name &&
        again.Item.length === each.Item.length &&
        again.Item.every((one, i) => one.Key === each.Item[i]!.Key) &&
        again.Names.every((one, i) => one === each.Names[i])
      )
    }),
  )
})

t.test('S3 form: namespace, quotes, ISO times, references for what XML cannot carry', async (t) => {
  const value = { Name: 'a\u0001\r&"', On: true, At: new Date(0), Item: [{ Key: 'k', ETag: 'ab' }], Names: [] }
  t.equal(
    writeXml('Root', shape, value),
    '<Root xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>a&#x1;&#xd;&amp;&quot;</Name><On>true</On>' +
      '<At>1970-01-01T00:00:00.000Z</At><Item><Key>k</Key><ETag>&quot;ab&quot;</ETag></Item><Names></Names></Root>',
  )
})

t.test('what is written by a shorter way is what its text would be, escaped', async () => {
  const same = <T>({ write, writeXml }: TextShape<T>, value: T) => writeXml?.(value) === escapeText(write(value))
  const date = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  const size = fc.oneof(fc.maxSafeNat(), fc.constant(0))
  fc.assert(
    fc.property(date, size, fc.string({ unit: 'binary' }), (at, sizeBytes, tag) => {
      return same(timestamp, at) && same(integer, sizeBytes) && same(etag, tag)
    }),
  )
})

t.test('documents come with and without declaration, namespace, prefix, comments and CDATA', async (t) => {
  const inner = '<Name>n</Name><Item><Key>a</Key><ETag>&quot;x&quot;</ETag></Item><Names><Name>b</Name></Names>'
  const wanted = { Name: 'n', Item: [{ Key: 'a', ETag: 'x' }], Names: ['b'] }
  t.match(read(`<Root>${inner}</Root>`), wanted)
  t.match(read(`<?xml version="1.0" encoding="UTF-8"?>\n<Root xmlns="urn:x">\n ${inner}\n</Root>\n`), wanted)
  t.match(read(`<Root><!-- c -->${inner}<Unknown><Deep/></Unknown></Root>`), wanted)
  t.match(read(`<s:Root xmlns:s="urn:x">${inner.replaceAll(/<(\/?)/g, '<$1s:')}</s:Root>`), wanted)
  t.equal(read('<Root><Name><![CDATA[a&amp;<]]></Name><Names/></Root>').Name, 'a&amp;<')
  t.equal(read('<Root><Name> a&#13;&#x41;&lt; </Name><Names/></Root>').Name, ' a\rA< ')
  t.equal(read('<Root><Name/><Names/></Root>').Name, '')
})

t.test('what is not well-formed, or not of the shape, is MalformedXML', async (t) => {
  const bad = [
    '',
    'text',
    '<Root>',
    '<Root></Other>',
    '<Other/>',
    '<Root/><Root/>',
    '<Root><Names/></Root>',
    '<Root><Name>a</Name><Name>b</Name><Names/></Root>',
    '<Root><Name><b/></Name><Names/></Root>',
    '<Root><Name>&foo;</Name><Names/></Root>',
    '<Root><Name>&#xD800;</Name><Names/></Root>',
    '<Root><Name>a & b</Name><Names/></Root>',
    '<Root><Name>a</Name><Size>1e3</Size><Names/></Root>',
    '<Root><Name>a</Name><On>yes</On><Names/></Root>',
    '<!DOCTYPE Root [<!ENTITY a "b">]><Root><Name>&a;</Name><Names/></Root>',
    '<!doctype Root><Root><Name>a</Name><Names/></Root>',
    `${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}`,
  ]
  for (const document of bad) t.ok(isMalformed(document), document.slice(0, 60))
  t.ok(isMalformed(Buffer.from([0x3c, 0xff, 0xfe])))
})

t.test('any bytes give a value or MalformedXML', async () => {
  const piece = fc.constantFrom(
    '<Root>',
    '</Root>',
    '<Name>',
    '</Name>',
    '<Item>',
    '</Item>',
    '&',
    '#',
    ';',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?',
    '?>',
    'x',
    ' ',
    '"',
    '__proto__',
    '<__proto__>',
    '<constructor/>',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const document = `<Root>${pieces.join('')}</Root>`
      try {
        read(document)
        return true
      } catch (error) {
        return isFault(error, 'MalformedXML')
      }
    }),
    { numRuns: 500 },
  )
})

t.test('10,000 parts are read in far less than a request may take', async (t) => {
  const part = (i: number) => `<Item><Key>${i}</Key><ETag>&quot;${'a'.repeat(32)}&quot;</ETag></Item>`
  const document = `<Root><Name>n</Name>${Array.from({ length: 10_000 }, (_, i) => part(i)).join('')}<Names/></Root>`
  const started = performance.now()
  t.equal(read(document).Item.length, 10_000)
  const tookMs = performance.now() - started
  t.comment(`${document.length} bytes in ${Math.round(tookMs)} ms`)
  t.ok(tookMs < 10_000)
})
