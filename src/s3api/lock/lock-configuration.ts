import { StoreFault } from '../../base/faults.ts'
import type { BucketLock, DefaultRetention } from '../../base/model.ts'
import { invalid } from '../fields.ts'
import { text, wholeNumber } from '../xml/kinds.ts'
import { type Infer, optional, structure } from '../xml/shape.ts'
import { malformed } from '../xml/xml-scanner.ts'

const defaultRetention = structure({
  Mode: optional(text),
  Days: optional(wholeNumber),
  Years: optional(wholeNumber),
  DefaultEventHold: optional(structure({})),
})

/** The document of Put- and GetObjectLockConfiguration. */
export const lockConfiguration = structure({
  ObjectLockEnabled: optional(text),
  Rule: optional(structure({ DefaultRetention: optional(defaultRetention) })),
})

/** Faults: MalformedXML, InvalidArgument, NotImplemented. */
export function parseLockConfiguration({ ObjectLockEnabled, Rule }: Infer<typeof lockConfiguration>): BucketLock {
  if (ObjectLockEnabled !== 'Enabled') throw malformed('ObjectLockEnabled is not Enabled')
  if (!Rule) return {}
  const { Mode, Days, Years, DefaultEventHold } = Rule.DefaultRetention ?? {}
  if (DefaultEventHold) throw new StoreFault('NotImplemented', { feature: 'An event hold' })
  if ((Days === undefined) === (Years === undefined)) throw malformed('a DefaultRetention has Days or Years')
  const mode = parseLockMode(Mode)
  if (Days !== undefined) return { retention: { mode, days: checkPeriod('Days', Days, DAYS_MAX) } }
  return { retention: { mode, years: checkPeriod('Years', Years!, YEARS_MAX) } }
}

export function writeLockConfiguration({ retention }: BucketLock): Infer<typeof lockConfiguration> {
  if (!retention) return { ObjectLockEnabled: 'Enabled' }
  const { mode, days, years } = retention
  return { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: mode, Days: days, Years: years } } }
}

/** Fault: MalformedXML. */
export function parseLockMode(mode: string | undefined): DefaultRetention['mode'] {
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw malformed('Mode is neither GOVERNANCE nor COMPLIANCE')
  return mode
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html */
const DAYS_MAX = 36_500
const YEARS_MAX = 100

function checkPeriod(name: string, value: number, max: number): number {
  if (value < 1) throw invalid(name, String(value), 'Default retention period must be a positive integer value.')
  if (value > max) throw invalid(name, String(value), 'Default retention period too large.')
  return value
}
