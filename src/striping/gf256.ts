import { assert } from '../base/faults.ts'
import { DATA_CHUNKS, PARITY_CHUNKS_MAX } from '../base/limits.ts'

/** GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 and the generator 2, as in RAID-6. */
const POLYNOMIAL = 0x11d
const ORDER = 255
const EXP = new Uint8Array(2 * ORDER)
const LOG = new Uint8Array(256)
for (let i = 0, value = 1; i < ORDER; i++) {
  EXP[i] = value
  EXP[i + ORDER] = value
  LOG[value] = i
  value = value & 0x80 ? (value << 1) ^ POLYNOMIAL : value << 1
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!
}

/** 1 / a; a is not 0. */
export function invert(a: number): number {
  assert(a !== 0, 'zero has no inverse')
  return EXP[ORDER - LOG[a]!]!
}

/**
 * The code: parity chunk r is the sum of PARITY_MATRIX[r][j] × data chunk j. One family for every m: a storage class
 * with more parity only adds rows. Row 0 is all ones (P), row 1 the powers of 2 (Q); row r is 1 / (x_r + 2^-j), with
 * x_1 = 0 and x_r = r. That is a Cauchy matrix whose first row has x = ∞: every square submatrix is regular, for all x_r
 * and all 2^-j differ; so any 6 of the 6 + m chunks give back the others (Blömer et al., An XOR-based erasure-resilient
 * coding scheme, 1995).
 */
export const PARITY_MATRIX: readonly (readonly number[])[] = Array.from({ length: PARITY_CHUNKS_MAX }, (_, row) =>
  Array.from({ length: DATA_CHUNKS }, (_, j) => {
    if (row === 0) return 1
    const x = row === 1 ? 0 : row
    return invert(x ^ invert(EXP[j]!))
  }),
)

/** How chunk `index` follows from the data chunks: six coefficients. */
function generatorRow(index: number): readonly number[] {
  if (index >= DATA_CHUNKS) return PARITY_MATRIX[index - DATA_CHUNKS]!
  return Array.from({ length: DATA_CHUNKS }, (_, j) => (j === index ? 1 : 0))
}

/** Six coefficients for each wanted chunk: it is the sum of coefficient i × chunk `from[i]`. `from`: six distinct indexes. */
export function decodeRows(from: readonly number[], wanted: readonly number[]): number[][] {
  const dataOf = invertMatrix(from.map((index) => [...generatorRow(index)]))
  return wanted.map((index) => {
    const row = generatorRow(index)
    return from.map((_, i) => dataOf.reduce((sum, data, j) => sum ^ multiply(row[j]!, data[i]!), 0))
  })
}

/** Gauss-Jordan. */
function invertMatrix(matrix: number[][]): number[][] {
  const size = matrix.length
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  for (let column = 0; column < size; column++) {
    const pivot = rows.findIndex((row, i) => i >= column && row[column] !== 0)
    assert(pivot >= 0, 'the code is such that any six chunks are independent')
    const row = rows[pivot]!
    rows[pivot] = rows[column]!
    const factor = invert(row[column]!)
    rows[column] = row.map((value) => multiply(value, factor))
    for (const [i, other] of rows.entries()) {
      const times = other[column]!
      if (i !== column && times !== 0) rows[i] = other.map((value, j) => value ^ multiply(times, rows[column]![j]!))
    }
  }
  return rows.map((row) => row.slice(size))
}

/** What the kernel needs to multiply by one coefficient: its products with 0 … 15, and with 0x00, 0x10 … 0xf0. */
export const COEFFICIENT_TABLE_BYTES = 32

export function writeCoefficientTable(coefficient: number, target: Uint8Array, offset: number): void {
  for (let nibble = 0; nibble < 16; nibble++) {
    target[offset + nibble] = multiply(coefficient, nibble)
    target[offset + 16 + nibble] = multiply(coefficient, nibble << 4)
  }
}
