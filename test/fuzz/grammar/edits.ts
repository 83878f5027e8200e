import type { Chance } from '../chance.ts'
import { oddBytes } from './odd-text.ts'

type Edit = (chance: Chance, bytes: Buffer) => Buffer

const EDITS: readonly (readonly [name: string, edit: Edit])[] = [
  ['a bit flipped', flipBit],
  ['bytes put in', insert],
  ['bytes cut out', cutOut],
  ['bytes repeated', repeat],
  ['cut short', (chance, bytes) => bytes.subarray(0, chance.below(bytes.length + 1))],
  ['a byte replaced', replaceByte],
]

const NOISE = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  ':',
  ',',
  '%',
  '&',
  '?',
  '/',
  '\t',
  '\xff',
  '\r\n\r\n',
  '0',
  '-',
  ';',
  '=',
  '"',
]

/** One to four edits of bytes, wherever they hit. */
export function edited(chance: Chance, bytes: Buffer): { bytes: Buffer; notes: string[] } {
  const notes: string[] = []
  let changed = bytes
  for (let left = chance.between(1, 4); left > 0; left--) {
    const [name, edit] = chance.pick(EDITS)
    notes.push(name)
    if (changed.length > 0) changed = edit(chance, changed)
  }
  return { bytes: changed, notes }
}

function flipBit(chance: Chance, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  changed[chance.below(bytes.length)]! ^= 1 << chance.below(8)
  return changed
}

function replaceByte(chance: Chance, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  changed[chance.below(bytes.length)] = chance.below(256)
  return changed
}

function insert(chance: Chance, bytes: Buffer): Buffer {
  const at = chance.below(bytes.length + 1)
  const noise = Buffer.from(chance.oneIn(4) ? oddBytes(chance) : chance.pick(NOISE), 'latin1')
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)])
}

function cutOut(chance: Chance, bytes: Buffer): Buffer {
  const at = chance.below(bytes.length)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + chance.pick([1, 2, 10, 60]))])
}

function repeat(chance: Chance, bytes: Buffer): Buffer {
  const at = chance.below(bytes.length)
  const end = at + chance.pick([1, 2, 20, 200])
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
}
