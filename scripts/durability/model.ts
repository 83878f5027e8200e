/** How likely a part is lost: see docs/durability.md, which says what is left out. Times in years, rates a year. */
export interface Failures {
  /** How often a server, with all that it holds, is lost for good. */
  ratePerYear: number
  /** From the loss of a server until all that was on it is made anew elsewhere. */
  repairYears: number
}

/**
 * The rate at which a part is lost that has `held[s]` chunks on server s and survives the loss of `parity` of them: of each set
 * of servers whose loss is the loss of it, any one goes last, while the others are not made good yet. To first order in
 * rate times repair time.
 */
export function partLossRate(held: readonly number[], parity: number, failures: Failures): number {
  let rate = 0
  for (const size of fatalSets(
    held.filter((chunks) => chunks > 0),
    parity,
  ))
    rate += lossRateOf(size, failures)
  return rate
}

/** The rate at which any part is lost of so many that each set of servers that can be fatal to a part is to some. */
export function storeLossRate(servers: number, chunks: number, parity: number, failures: Failures): number {
  const eachMax = Math.ceil(chunks / servers)
  const size = Math.floor(parity / eachMax) + 1
  return choose(servers, size) * lossRateOf(size, failures)
}

function lossRateOf(servers: number, { ratePerYear, repairYears }: Failures): number {
  return servers * ratePerYear * (ratePerYear * repairYears) ** (servers - 1)
}

/** The sizes of the sets of servers that hold more than `parity` chunks together, and would not without any one of them. */
function fatalSets(held: readonly number[], parity: number): number[] {
  const sizes: number[] = []
  for (let set = 1; set < 2 ** held.length; set++) {
    const chunks = held.filter((_, server) => (set >> server) & 1)
    const sum = chunks.reduce((total, count) => total + count, 0)
    if (sum > parity && chunks.every((count) => sum - count <= parity)) sizes.push(chunks.length)
  }
  return sizes
}

function choose(from: number, count: number): number {
  let ways = 1
  for (let taken = 0; taken < count; taken++) ways = (ways * (from - taken)) / (taken + 1)
  return ways
}
