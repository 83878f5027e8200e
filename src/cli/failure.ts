import { StoreFault } from '../base/faults.ts'

/** Something that a person can do something about: told in one sentence, without a stack. */
export class CommandFailure extends Error {
  /** 1: it failed; 2: it was asked for wrongly. */
  readonly exitCode: 1 | 2
  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.name = 'CommandFailure'
    this.exitCode = options.exitCode ?? 1
  }
}

/** What `error` is for people: itself, if it is told in a sentence already, else the reason why `what`. */
export function asFailure(what: string, error: unknown): CommandFailure {
  return error instanceof CommandFailure ? error : new CommandFailure(`${what}: ${messageOf(error)}`, { cause: error })
}

/** The system's name of an error (ENOENT, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** A sentence for people; what a fault says beside its reason is for S3. */
export function messageOf(error: unknown): string {
  if (error instanceof StoreFault) {
    const { reason, value } = error.detail as { reason?: string; value?: string }
    if (reason) return sentence(value === undefined ? reason : `${reason.replace(/\.$/, '')}: ${value}`)
  }
  return sentence(error instanceof Error ? error.message : String(error))
}

function sentence(text: string): string {
  const trimmed = text.trim()
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`
}
