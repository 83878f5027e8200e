import type { AccessKey } from '../base/model.ts'
import type { RequestSpan } from '../base/spans.ts'
import type { Charges } from './limits/charges.ts'
import type { Reply } from './operation.ts'
import type { RequestHead } from './request-head.ts'

/** What is known of a request by the time that it is answered, for the log, for metrics and for traces. */
export interface Trace {
  operation: string | undefined
  /** Who signed it rightly. */
  accessKey: AccessKey | undefined
  /** Undefined where it could not be read. */
  head: RequestHead | undefined
  /** Of the object that it came to be about, where the head does not say. */
  key?: string | undefined
  versionId?: string | undefined
  /** What it is charged for; undefined: nothing bounds it. */
  charges?: Charges | undefined
  /** Undefined: nobody asked for traces, or it is none that they tell of. */
  span?: RequestSpan | undefined
}

/** The version that was read, made or deleted. */
export function versionOf({ headers }: Reply<unknown>): string | undefined {
  const version = headers?.['x-amz-version-id']
  return version === undefined ? undefined : String(version)
}
