import { StoreFault } from '../../base/faults.ts'
import { invalid } from '../fields.ts'
import { malformed } from '../xml/xml-scanner.ts'
import type { GivenRule } from './configuration.ts'

/**
 * This store has none of the classes that S3 moves objects to. Faults: NotImplemented; and before it, MalformedXML and
 * InvalidArgument for what S3 would refuse too.
 */
export function checkTransitions({ Transition, NoncurrentVersionTransition }: GivenRule): void {
  for (const { Days, Date: date, StorageClass } of Transition) {
    checkClass(StorageClass)
    if ((Days === undefined) === (date === undefined)) throw malformed('a Transition has Days or Date')
    if (Days !== undefined) checkDays(Days, 'Days', 'Transition')
  }
  for (const { NoncurrentDays, StorageClass } of NoncurrentVersionTransition) {
    checkClass(StorageClass)
    if (NoncurrentDays === undefined) throw malformed('a NoncurrentVersionTransition has NoncurrentDays')
    checkDays(NoncurrentDays, 'NoncurrentDays', 'NoncurrentVersionTransition')
  }
  if (Transition.length + NoncurrentVersionTransition.length > 0) {
    throw new StoreFault('NotImplemented', { feature: 'A transition to another storage class' })
  }
}

const CLASSES = ['GLACIER', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'DEEP_ARCHIVE', 'GLACIER_IR']

function checkClass(storageClass: string | undefined): void {
  if (!CLASSES.includes(storageClass ?? '')) throw malformed('StorageClass is none that objects are moved to')
}

function checkDays(days: number, name: string, action: string): void {
  if (days < 0) throw invalid(name, String(days), `'${name}' in ${action} action must be nonnegative`)
}
