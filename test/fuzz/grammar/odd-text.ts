import type { Chance } from '../chance.ts'

/** Pieces of Unicode text that something, somewhere, once took for something else.. */
const PIECES: readonly string[] = [
  ...['a', 'Z9', '0', '-', '_', '~', '.', '..', '...', '/', '//', '/./', '/../', '../', './', '\\', '\\..\\'],
  ...[' ', '  ', '\t', '\n', '\r', '\r\n', '\u0001', '\u000b', '\u001b[31m', '\u001f', '\u007f'],
  ...['+', '%', '%%', '%2F', '%2f', '%00', '%zz', '%u0041', '%C3', '&', '&amp;', '&#0;', '=', ';', ':', ',', '@', '$'],
  ...['?', '??', '#', '!', '*', "'", '"', '`', '(', ')', '<', '>', '<a>', ']]>', '<!--', '[', ']', '{', '}', '|', '^'],
  ...['é', 'u\u0308', 'ß', 'İ', 'ﬁ', 'Ω', 'ا', 'ไ', '日本', '한', '😀', '🏳️‍🌈', '\u{10ffff}', '\u{1f468}\u200d'],
  ...['\u0080', '\u0085', '\u00a0', '\u00ad', '\u200b', '\u202e', '\u2028', '\u2029', '\ufeff', '\ufffd', '\ufffe'],
  ...['\uffff', '\ud7ff', '\ue000', '\u{1fffe}', '\u{e0001}'],
  ...['null', 'undefined', 'NaN', '-1', '1e9', '__proto__', 'constructor', 'toString', 'uploads', 'health', '.sextant'],
  ...["' or 1=1--", '"; drop table objects;--', '$(id)', '%s%n', '{{7*7}}', '$1', '\\x00', '\\u0000', '~root'],
]

export const KEY_BYTES_MAX = 1024

/** One to six pieces; one in twelve is filled up to the longest key, or one byte further. */
export function oddText(chance: Chance): string {
  const text = chance.some(1, 6, () => chance.pick(PIECES)).join('')
  if (!chance.oneIn(12)) return text
  const filler = chance.pick(['x', 'é', '日', '😀'])
  const room = chance.pick([KEY_BYTES_MAX, KEY_BYTES_MAX, KEY_BYTES_MAX + 1]) - Buffer.byteLength(text)
  return (
    text + filler.repeat(Math.floor(room / Buffer.byteLength(filler))) + 'x'.repeat(room % Buffer.byteLength(filler))
  )
}

/** As long as a header, a parameter or a key may be to bother somebody. */
export function longText(chance: Chance): string {
  return chance.pick(['x', '%', '/', '😀', '0', ' ', '<']).repeat(chance.pick([255, 256, 1023, 1025, 4096]))
}

/** Bytes as Latin-1: valid or cut UTF-8, surrogates, overlong forms, plain noise. */
export function oddBytes(chance: Chance): string {
  return chance.pick([
    () => chance.bytes(chance.between(1, 12)).toString('latin1'),
    () => Buffer.from(oddText(chance)).toString('latin1').slice(0, -1),
    () => '\xc0\x80',
    () => '\xed\xa0\x80\xed\xb0\x80',
    () => '\xf4\x90\x80\x80',
    () => '\xff\xfe',
    () => '\xe2\x82',
    () => '\x80',
  ])()
}

/** Where a number should stand. */
export function oddNumber(chance: Chance): string {
  return chance.pick(NUMBERS)
}

const NUMBERS: readonly string[] = [
  ...[
    '0',
    '1',
    '-1',
    '-0',
    '+1',
    '00',
    '01',
    '1.0',
    '1e3',
    '0x10',
    '0b1',
    '1_000',
    '1,000',
    ' 1',
    '1 ',
    '',
    ' ',
    'NaN',
  ],
  ...['Infinity', 'null', 'true', '١', '１', '1;', "1'", '10000', '10001', '65536', '2147483647', '2147483648'],
  ...['4294967296', '9007199254740991', '9007199254740993', '9223372036854775807', '9223372036854775808'],
  ...['18446744073709551615', '99999999999999999999', '-9223372036854775809', '9'.repeat(400)],
]

/** Where a word should stand: for parameters and headers. Text, or bytes as Latin-1. */
export function oddValue(chance: Chance): string {
  return chance.weighted<(chance: Chance) => string>([
    [4, oddText],
    [3, oddNumber],
    [1, longText],
    [1, oddBytes],
    [2, () => chance.pick(['', 'url', '2', 'true', 'null', '1YQ', 'MWE', '00000000-0000-7000-8000-000000000000'])],
  ])(chance)
}

/** Text beyond Latin-1 as its UTF-8 bytes. */
export function asLatin1(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text).toString('latin1') : text
}

/** Without what no header line holds: other bytes are for requests that are no HTTP. */
export function headerText(text: string): string {
  return asLatin1(text).replaceAll(/[\p{Cc}]/gu, (char) => (char === '\t' || char > '\x7f' ? char : ''))
}
