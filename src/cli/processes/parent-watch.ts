import { readFileSync } from 'node:fs'
import type { Clock } from '../../base/clock.ts'

const POLL_MS = 500

/**
 * Calls back once the process that started this one is gone: an orphan gets another parent. npm and npx put a shell in
 * between (`sh -c …`), which outlives a killed npm; so behind such a shell its parent is watched too, where /proc tells it.
 */
export function watchParent(clock: Clock, onGone: () => void): Disposable {
  const started = lineage()
  let next: Disposable
  const look = () => {
    if (lineage() === started) next = clock.after(POLL_MS, look)
    else onGone()
  }
  next = clock.after(POLL_MS, look)
  return { [Symbol.dispose]: () => next[Symbol.dispose]() }
}

/** The parent's pid, and behind a shell its parent's. */
function lineage(): string {
  const parent = process.ppid
  try {
    const [, option] = readFileSync(`/proc/${parent}/cmdline`, 'latin1').split('\0')
    if (option !== '-c') return String(parent)
    // proc(5): `pid (name) state ppid …`; the name may itself hold parentheses.
    const stat = readFileSync(`/proc/${parent}/stat`, 'latin1')
    return `${parent} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`
  } catch {
    return String(parent)
  }
}
