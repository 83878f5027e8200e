import type { Key } from './sign.ts'

/** What cases are made for: a store with two accounts, and what lies in it. */
export interface World {
  host: string
  port: number
  region: string
  owner: Key
  /** Of another account, which nobody allowed anything. */
  stranger: Key
  /** A bucket of the owner that no rightful request ever changes. */
  vault: string
  /** A key of the vault that requests name; what it holds is the secret. */
  treasure: string
  /** What must not come out: the treasure's bytes, and part of a key of the vault that no request names. */
  secret: string
  /** A bucket of the owner in which rightful requests write. */
  field: string
  /** An open upload in the field, with parts. */
  upload: { key: string; id: string; parts: readonly { number: number; etag: string }[] }
  nowMs(): number
}

/** Buckets that rightful requests make begin so. */
export const MADE = 'made-'

/** One thing to be sent, and what may come of it. */
export interface Case {
  serial: number
  theme: string
  /** What was done, in words. */
  notes: readonly string[]
  /** Sent one after the other, each in a turn of its own. */
  pieces: readonly Buffer[]
  verdict: Verdict
  /** The server has all that it needs for an answer. */
  isWhole: boolean
  /** Keys of the field that it may set. `etag` undefined: to whatever. */
  sets: readonly { key: string; etag: string | undefined }[]
}

/**
 * `refuse`: it must come to nothing; `accept`: it must succeed; `any`: it is signed by the owner, or may be, and must
 * only not fail on our side. What it may change is what `sets` says.
 */
export type Verdict = 'refuse' | 'accept' | 'any'
