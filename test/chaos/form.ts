import { randomInt } from 'node:crypto'

/** `npm run chaos -- --full`, or `--long`. */
const form = process.env.SEXTANT_TEST_CHAOS ?? 'short'

/**
 * Of the sizes of a scenario the one that is asked for: that of every change; that from which a promise is said to be kept,
 * where it is a matter of numbers (half an hour); or that of a night.
 */
export function sized<T>({ short, full = short, long }: { short: T; full?: T; long: T }): T {
  return { short, full, long }[form] ?? short
}

/** `npm run chaos -- --seed N` makes the same choices again; what the machine does between them is its own. */
export const seed = Number(process.env.SEXTANT_TEST_SEED ?? randomInt(1_000_000))
