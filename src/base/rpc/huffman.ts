import { H2Code, H2Error } from './h2-codes.ts'

/**
 * Bits of each symbol's code, 0 to 255 and the end of string (RFC 7541, appendix B). The code is canonical: codes of a
 * length count up in the order of symbols, so that the lengths say it all.
 */
const LENGTHS = (
  '13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28 6 10 10 12 13 6 8 11 ' +
  '10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 ' +
  '14 6 15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28 20 22 20 20 22 22 22 23 22 23 23 23 23 23 ' +
  '24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24 22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 ' +
  '22 23 23 20 22 22 22 23 22 22 23 26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 ' +
  '28 27 27 27 20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30'
)
  .split(' ')
  .map(Number)
const END_OF_STRING = 256

/** Two entries a node: where a 0 and where a 1 leads; ~symbol at a leaf. */
const tree = buildTree()

function buildTree(): number[] {
  const nodes = [0, 0]
  const symbols = Array.from(LENGTHS.keys()).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b)
  let code = 0
  let bits = 0
  for (const symbol of symbols) {
    code <<= LENGTHS[symbol]! - bits
    bits = LENGTHS[symbol]!
    let node = 0
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = node + ((code >>> bit) & 1)
      if (nodes[at] === 0) {
        nodes[at] = nodes.length
        nodes.push(0, 0)
      }
      node = nodes[at]!
    }
    nodes[node + (code & 1)] = ~symbol
    code += 1
  }
  return nodes
}

/** Text of a Huffman-coded string, as Latin-1. Throws H2Error for what is no such string (RFC 7541, section 5.2). */
export function decodeHuffman(bytes: Uint8Array): string {
  const symbols: number[] = []
  let node = 0
  /** Since the last symbol: must be ones, and fewer than eight, at the end. */
  let padding = 0
  let isOnes = true
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >>> bit) & 1
      padding += 1
      isOnes &&= one === 1
      const next = tree[node + one]!
      if (next >= 0) {
        node = next
        continue
      }
      if (~next === END_OF_STRING) throw malformed()
      symbols.push(~next)
      node = 0
      padding = 0
      isOnes = true
    }
  }
  if (padding > 7 || !isOnes) throw malformed()
  return Buffer.from(symbols).toString('latin1')
}

function malformed(): H2Error {
  return new H2Error(H2Code.compressionError, 'a Huffman-coded string is malformed')
}
