import { malformedPolicy } from './malformed.ts'

/** A text or a list of texts, at least one; `wrong` is said of anything else. Fault: MalformedPolicy. */
export function textsOf(value: unknown, wrong: string): string[] {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  if (all.length === 0 || !all.every((one) => typeof one === 'string')) throw malformedPolicy(wrong)
  return all as string[]
}
