/** The erasure code once more, slow and plain, from its definition alone: what the kernel is tested against. */

/** a × b over GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1, bit by bit. */
export function times(a: number, b: number): number {
  let product = 0
  for (let bit = 0, term = a; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= term
    term = term & 0x80 ? ((term << 1) ^ 0x11d) & 0xff : term << 1
  }
  return product
}

/** The one b with a × b = 1, by trying. */
export function inverse(a: number): number {
  for (let b = 1; b < 256; b++) if (times(a, b) === 1) return b
  throw new Error('no inverse')
}

/** Coefficient of data chunk j in parity chunk r. */
export function coefficient(r: number, j: number): number {
  let powerOfTwo = 1
  for (let i = 0; i < j; i++) powerOfTwo = times(powerOfTwo, 2)
  if (r === 0) return 1
  return inverse((r === 1 ? 0 : r) ^ inverse(powerOfTwo))
}

/** Products of each coefficient with all bytes, by parity chunk, then data chunk: to save the tests' time. */
const products = Array.from({ length: 6 }, (_, r) =>
  Array.from({ length: 6 }, (_, j) => {
    const c = coefficient(r, j)
    return Uint8Array.from({ length: 256 }, (_, value) => times(c, value))
  }),
)

/** The parity blocks of six data blocks of equal length. */
export function parityOf(data: readonly Uint8Array[], parityChunks: number): Uint8Array[] {
  return products.slice(0, parityChunks).map((row) =>
    data[0]!.map((_, at) => {
      let sum = 0
      for (let j = 0; j < 6; j++) sum ^= row[j]![data[j]![at]!]!
      return sum
    }),
  )
}
