import type { DoctorContext } from './context.ts'

/** `skipped`: it could not be looked at here, or there is nothing to look at. */
export type Level = 'ok' | 'warning' | 'failure' | 'skipped'

/** One sentence: what there is; where it is wrong, also what to do. */
export interface Finding {
  level: Level
  message: string
}

/** Looks at one thing, and changes nothing. Answers one finding or several. */
export interface Check {
  /** For people and programs: `data directory`. */
  name: string
  run(context: DoctorContext, signal: AbortSignal): Promise<Finding | Finding[]>
}

const finding = (level: Level) => (message: string) => ({ level, message })

export const ok = finding('ok')
export const warning = finding('warning')
export const failure = finding('failure')
export const skipped = finding('skipped')

/** What is wrong, or that nothing is. */
export function orOk(wrong: readonly Finding[], message: string): Finding[] {
  return wrong.length > 0 ? [...wrong] : [ok(message)]
}
