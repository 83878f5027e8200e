/**
 * User metadata in headers. HTTP carries bytes; S3 takes UTF-8, raw or as RFC 2047 encoded words, and gives back what is
 * not ASCII as encoded words. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 */

/** `raw` has one character a byte, as Node gives header values. */
export function decodeMetadata(raw: string): string {
  const plain = isAscii(raw) ? raw : decodeBytes(raw)
  if (!plain.includes('=?')) return plain
  // White space between two encoded words belongs to neither (RFC 2047, section 6.2).
  return plain.replace(BETWEEN_WORDS, '$1').replace(ENCODED_WORD, decodeWord)
}

/** ASCII as it is; else encoded words of at most 75 characters: B where most characters are foreign, Q otherwise. */
export function encodeMetadata(text: string): string {
  if (isAscii(text) && !text.includes('=?')) return text
  const foreign = [...text].filter((c) => !isAscii(c)).length
  const code = foreign * 2 >= [...text].length ? base64Word : quotedWord
  return splitWords(text, (piece) => code(piece).length <= WORD_CHARS_MAX)
    .map(code)
    .join(' ')
}

const WORD_CHARS_MAX = 75
const ENCODED_WORD = /=\?([A-Za-z0-9_-]{1,40})\?([BbQq])\?([^?\s]*)\?=/g
const BETWEEN_WORDS = /(\?=)[ \t]+(?==\?[A-Za-z0-9_-]{1,40}\?[BbQq]\?)/g
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function isAscii(text: string): boolean {
  return /^[\x20-\x7e\t]*$/.test(text)
}

/** UTF-8 if it is that, else Latin-1: what older clients send. */
function decodeBytes(raw: string): string {
  try {
    return utf8.decode(Buffer.from(raw, 'latin1'))
  } catch {
    return raw
  }
}

/** An unknown charset, or bytes that are not in it: the word stays as it is. */
function decodeWord(word: string, charset: string, coding: string, coded: string): string {
  const bytes = coding.toUpperCase() === 'B' ? Buffer.from(coded, 'base64') : Buffer.from(unquote(coded), 'latin1')
  switch (charset.toLowerCase()) {
    case 'utf-8':
    case 'us-ascii':
      try {
        return withoutControls(utf8.decode(bytes)) ?? word
      } catch {
        return word
      }
    case 'iso-8859-1':
      return withoutControls(bytes.toString('latin1')) ?? word
    default:
      return word
  }
}

/** A header could never have held them: a word that hides NUL or a line break stays coded. */
function withoutControls(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be found
  return /[\u0000-\u0008\u000a-\u001f\u007f]/.test(text) ? undefined : text
}

function unquote(coded: string): string {
  return coded
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function base64Word(text: string): string {
  return `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`
}

function quotedWord(text: string): string {
  const coded = Array.from(Buffer.from(text), (byte) => {
    const char = String.fromCharCode(byte)
    if (char === ' ') return '_'
    return /[A-Za-z0-9!*+\-/.,:;()@]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  return `=?UTF-8?Q?${coded.join('')}?=`
}

/** Pieces, between characters, each as long as `fits` allows; by halving, for a value has 2 KiB at most. */
function splitWords(text: string, fits: (piece: string) => boolean): string[] {
  if (fits(text)) return [text]
  const characters = [...text]
  const half = characters.length >> 1
  return [characters.slice(0, half), characters.slice(half)].flatMap((side) => splitWords(side.join(''), fits))
}
