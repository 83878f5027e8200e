import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import type { Retention } from '../../engine/ports/catalogue.ts'
import { text, timestamp } from '../xml/kinds.ts'
import { type Infer, optional, structure } from '../xml/shape.ts'
import { malformed } from '../xml/xml-scanner.ts'
import { parseLockMode } from './lock-configuration.ts'
import { checkFuture } from './lock-headers.ts'

/** The document of Put- and GetObjectRetention. */
export const retention = structure({
  Mode: optional(text),
  RetainUntilDate: optional(timestamp),
  EventHold: optional(text),
  EventHoldDuration: optional(structure({})),
})

/** undefined: the retention is to end. Faults: MalformedXML, InvalidArgument, NotImplemented. */
export function parseRetention(
  { Mode, RetainUntilDate: until, EventHold, EventHoldDuration }: Infer<typeof retention>,
  clock: Clock,
): Retention | undefined {
  if (EventHold !== undefined || EventHoldDuration) {
    throw new StoreFault('NotImplemented', { feature: 'An event hold' })
  }
  if (Mode === undefined && until === undefined) return undefined
  if (until === undefined) throw malformed('a Retention has a RetainUntilDate')
  const mode = parseLockMode(Mode)
  checkFuture(until, clock.nowMs(), 'RetainUntilDate')
  return { mode, until }
}
