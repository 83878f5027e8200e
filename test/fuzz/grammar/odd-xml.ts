import type { Chance } from '../chance.ts'
import { latin1 } from '../request.ts'
import { oddBytes, oddNumber, oddText } from './odd-text.ts'

const NOISE = [
  ...'<|>|&|&amp;|&lt|&#x41;|&#65;|&#0;|&#xD800;|&#x110000;|&#99999999999;|&#x;|&x;|<![CDATA[|<![CDATA[x]]>|]]>'.split(
    '|',
  ),
  ...'<!--|-->|<!-- -- -->|<?x?>|<?|<?xml version="1.0"?>|<?xml version="1.0" encoding="UTF-16"?>|< a/>|<1/>'.split(
    '|',
  ),
  ...'<!DOCTYPE a [<!ENTITY x "y">]>|<!DOCTYPE a SYSTEM "file:///dev/zero">|<!ENTITY % x "y">|<a|</a>|<a/>'.split('|'),
  ...'<a b="c">|<a b=c>|<a b=\'|<a xmlns:z="y"><z:b/></a>|<z:Key>x</z:Key>|<__proto__>x</__proto__>|<a:b:c/>'.split(
    '|',
  ),
  ...'<constructor/>|<toString>x</toString>|<#text>x</#text>|\0|\x01|\x0b|\x7f|\xff|\xc0\x80|\r|\r\n|\t| |"'.split('|'),
  ...'\xef\xbb\xbf|\xef\xbf\xbf'.split('|'),
  '<x>'.repeat(40),
  '<x>'.repeat(40) + '</x>'.repeat(40),
  '<x/>'.repeat(300),
  '&amp;'.repeat(300),
  'x'.repeat(5000),
]

/**
 * A document of these elements as Latin-1, from nearly right to noise: right documents with odd values, elements nested
 * anyhow, and edits in between.
 */
export function oddDocument(chance: Chance, root: string, names: readonly string[], value = 'x'): string {
  const text = chance.weighted([
    [6, () => edited(chance, nested(chance, root, names, value))],
    [2, () => nested(chance, root, names, value)],
    [1, () => latin1(oddText(chance))],
    [
      1,
      () =>
        chance.pick([
          '',
          ' ',
          '\n',
          `<${root}/>`,
          `<${root}></${root}>`,
          `<${root.toLowerCase()}/>`,
          `<${root}/><${root}/>`,
          NOISE.join(''),
        ]),
    ],
    [1, () => oddBytes(chance)],
    [1, () => Buffer.from(`<${root}/>`, 'utf16le').toString('latin1')],
  ])()
  return text
}

function nested(chance: Chance, root: string, names: readonly string[], value: string): string {
  const attributes = chance.pick(['', '', ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', ' a="b"', ' xmlns:x="y"'])
  const items = chance.some(0, 4, () => item(chance, names, value)).join('')
  return `${chance.pick(['', '<?xml version="1.0" encoding="UTF-8"?>\n'])}<${root}${attributes}>${items}</${root}>`
}

/** The first name holds the others, as in `<Part><PartNumber>…`. */
function item(chance: Chance, [outer = '', ...inner]: readonly string[], value: string): string {
  const children = chance.some(1, 3, () => {
    const name = chance.pick(inner.length === 0 ? [outer] : inner)
    return `<${name}>${text(chance, value)}</${name}>`
  })
  return inner.length === 0 || chance.oneIn(8) ? children.join('') : `<${outer}>${children.join('')}</${outer}>`
}

function text(chance: Chance, value: string): string {
  return chance.pick([
    () => value,
    () => oddNumber(chance),
    () => escaped(oddText(chance)),
    () => chance.pick(NOISE),
    () => '',
  ])()
}

function escaped(plain: string): string {
  return latin1(plain).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function edited(chance: Chance, document: string): string {
  let text = document
  for (let edits = chance.between(1, 3); edits > 0; edits--) {
    const at = chance.below(text.length + 1)
    const cut = chance.pick([0, 0, 1, 5])
    text = text.slice(0, at) + chance.pick([chance.pick(NOISE), '']) + text.slice(at + cut)
  }
  return text
}
