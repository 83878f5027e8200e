import type { WriteCondition } from '../../../src/base/model.ts'
import { judge } from '../catalogue/parts.ts'

/** What one key was asked, and what was answered: from when it was asked to when it was answered, ms. */
export interface KeyCall {
  startMs: number
  /** Infinity: nobody knows what became of it, or whether it is over. */
  endMs: number
  call: Read | Write
}

export interface Read {
  /** The ETag that was seen; undefined: nothing was there. */
  saw: string | undefined
}

export interface Write {
  /** undefined: a delete. */
  etag: string | undefined
  condition: WriteCondition
  outcome: 'ok' | 'no-key' | 'precondition-failed' | 'unknown'
}

/**
 * S3 for one key: whether there is an order of these calls, each at a moment between its start and its end, in which every
 * answer is what a plain map would give. A call whose outcome is unknown happens at some moment after its start, or never.
 * By depth-first search with memory (Wing and Gong 1993, Lowe 2017).
 */
export function isLinearizable(calls: readonly KeyCall[]): boolean {
  const all = [...calls].sort((a, b) => a.startMs - b.startMs)
  const certain = all.reduce((set, each, n) => (isUnknown(each) ? set : set | (1n << BigInt(n))), 0n)
  const tried = new Set<string>()

  function search(done: bigint, state: string | undefined): boolean {
    if ((done & certain) === certain) return true
    const memory = `${done}/${state}`
    if (tried.has(memory)) return false
    tried.add(memory)
    const open = all.map((call, n) => ({ call, bit: 1n << BigInt(n) })).filter(({ bit }) => (done & bit) === 0n)
    const firstEndMs = Math.min(...open.map(({ call }) => call.endMs))
    return open.some(({ call, bit }) => {
      if (call.startMs > firstEndMs) return false
      const next = apply(state, call.call)
      return next !== 'impossible' && search(done | bit, next.state)
    })
  }
  return search(0n, undefined)
}

function isUnknown({ call }: KeyCall): boolean {
  return 'outcome' in call && call.outcome === 'unknown'
}

function apply(state: string | undefined, call: Read | Write): { state: string | undefined } | 'impossible' {
  if ('saw' in call) return call.saw === state ? { state } : 'impossible'
  const verdict = judge(state, call.condition)
  if (call.outcome === 'unknown') return { state: verdict === 'ok' ? call.etag : state }
  if (verdict !== call.outcome) return 'impossible'
  return { state: verdict === 'ok' ? call.etag : state }
}
