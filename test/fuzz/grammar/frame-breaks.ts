import type { Chance } from '../chance.ts'
import { digitChanged } from './forgeries.ts'
import type { Framed, Piece } from './frames.ts'

type Break = (chance: Chance, pieces: readonly Piece[]) => Piece[] | undefined

/** What is done to a framed body; none of it may be taken. By name; undefined where it does not apply. */
const BREAKS: readonly (readonly [name: string, change: Break])[] = [
  [
    'a byte of data changed',
    (chance, pieces) => replaced(pieces, some(chance, pieces, 'data'), (text) => flipped(chance, text)),
  ],
  ['a frame dropped', (chance, pieces) => aroundFrame(chance, pieces, () => [])],
  ['a frame repeated', (chance, pieces) => aroundFrame(chance, pieces, (frame) => [...frame, ...frame])],
  ['two frames swapped', swapped],
  ['cut short', cutShort],
  [
    'more behind the end',
    (chance, pieces) => [...pieces, { kind: 'end', text: chance.pick(['\r\n', '0\r\n\r\n', 'x', '\0']) }],
  ],
  [
    'a size that lies',
    (chance, pieces) =>
      onHead(chance, pieces, (size) => (Number.parseInt(size, 16) + chance.pick([1, 16, 4096])).toString(16)),
  ],
  [
    'a size that is none',
    (chance, pieces) =>
      onHead(chance, pieces, (size) =>
        chance.pick([
          '',
          `0x${size}`,
          `+${size}`,
          `-${size}`,
          ` ${size}`,
          `${size} `,
          `${size}g`,
          `${size}.0`,
          `${'0'.repeat(16)}${size}`,
          'ffffffffffffffff',
          `\0${size}`,
        ]),
      ),
  ],
  [
    'an extension',
    (chance, pieces) =>
      onText(chance, pieces, 'head', (text) =>
        text.replace(/\r\n$/, `;${chance.pick(['x', 'x=y', 'a="\r\n"', ''])}\r\n`),
      ),
  ],
  ['a bare LF behind a head', (chance, pieces) => onText(chance, pieces, 'head', (text) => text.replace('\r\n', '\n'))],
  ['a bare LF behind data', (chance, pieces) => onFirst(pieces, 'end', '\n', chance)],
  ['nothing behind data', (chance, pieces) => onFirst(pieces, 'end', '', chance)],
  ['a signature changed', (chance, pieces) => onSignature(chance, pieces, (hex) => digitChanged(chance, hex))],
  ['a signature in capitals', (chance, pieces) => onSignature(chance, pieces, (hex) => hex.toUpperCase())],
  ['a signature too short', (chance, pieces) => onSignature(chance, pieces, (hex) => hex.slice(0, chance.below(64)))],
  [
    'no signature',
    (chance, pieces) => onText(chance, pieces, 'head', (text) => text.replace(/;chunk-signature=.*\r/, '\r')),
  ],
  [
    'a checksum changed',
    (chance, pieces) =>
      onText(chance, pieces, 'trailer', (text) =>
        text.replace(/(checksum-crc32:)(.)/, (_, name: string, first: string) => name + (first === 'A' ? 'B' : 'A')),
      ),
  ],
  ['a trailer dropped', (chance, pieces) => onTrailer(chance, pieces, () => '')],
  ['a trailer twice', (chance, pieces) => onTrailer(chance, pieces, (text) => text + text)],
  [
    'another trailer',
    (chance, pieces) =>
      onTrailer(
        chance,
        pieces,
        (text) =>
          `${chance.pick(['x-amz-meta-evil:1', 'x-amz-checksum-sha1:AAAA', ':', 'no colon', 'x: \xff', `x:${'y'.repeat(9000)}`])}\r\n${text}`,
      ),
  ],
]

/** One break; the name says which. */
export function broken(chance: Chance, { pieces, ...rest }: Framed): { name: string; framed: Framed } {
  for (;;) {
    const [name, change] = chance.pick(BREAKS)
    const changed = change(chance, pieces)
    if (changed && textOf(changed) !== textOf(pieces)) return { name, framed: { ...rest, pieces: changed } }
  }
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('')
}

function some(chance: Chance, pieces: readonly Piece[], kind: Piece['kind']): number {
  const found = pieces.flatMap((piece, at) => (piece.kind === kind ? [at] : []))
  return found.length === 0 ? -1 : chance.pick(found)
}

function replaced(pieces: readonly Piece[], at: number, change: (text: string) => string): Piece[] | undefined {
  if (at < 0) return undefined
  return pieces.map((piece, n) => (n === at ? { ...piece, text: change(piece.text) } : piece))
}

function onText(chance: Chance, pieces: readonly Piece[], kind: Piece['kind'], change: (text: string) => string) {
  return replaced(pieces, some(chance, pieces, kind), change)
}

function onHead(chance: Chance, pieces: readonly Piece[], change: (size: string) => string) {
  return onText(chance, pieces, 'head', (text) => text.replace(/^[0-9a-f]+/, change))
}

function onSignature(chance: Chance, pieces: readonly Piece[], change: (hex: string) => string) {
  return onText(chance, pieces, chance.pick(['head', 'trailer']), (text) =>
    text.replace(/(signature[=:])([0-9a-f]{64})/, (_, name: string, hex: string) => name + change(hex)),
  )
}

function onTrailer(chance: Chance, pieces: readonly Piece[], change: (text: string) => string) {
  return onText(chance, pieces, 'trailer', change)
}

/** The CRLF behind the first frame's data, if there is a frame with data. */
function onFirst(pieces: readonly Piece[], kind: Piece['kind'], text: string, _: Chance): Piece[] | undefined {
  const at = pieces[1]?.kind === 'data' ? pieces.findIndex((piece) => piece.kind === kind) : -1
  return replaced(pieces, at, () => text)
}

function aroundFrame(chance: Chance, pieces: readonly Piece[], change: (frame: Piece[]) => Piece[]) {
  const at = some(chance, pieces, 'data')
  return at < 0
    ? undefined
    : [...pieces.slice(0, at - 1), ...change(pieces.slice(at - 1, at + 2)), ...pieces.slice(at + 2)]
}

/** The first two frames, where they differ. */
function swapped(_: Chance, pieces: readonly Piece[]): Piece[] | undefined {
  if (pieces[4]?.kind !== 'data' || pieces[1]!.text === pieces[4].text) return undefined
  return [...pieces.slice(3, 6), ...pieces.slice(0, 3), ...pieces.slice(6)]
}

function cutShort(chance: Chance, pieces: readonly Piece[]): Piece[] {
  const text = textOf(pieces)
  return [{ kind: 'data', text: text.slice(0, chance.below(text.length)) }]
}

function flipped(chance: Chance, text: string): string {
  const at = chance.below(text.length)
  const other = String.fromCharCode(text.charCodeAt(at) ^ (1 << chance.below(8)))
  return text.slice(0, at) + other + text.slice(at + 1)
}
