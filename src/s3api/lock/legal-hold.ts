import { text } from '../xml/kinds.ts'
import { type Infer, structure } from '../xml/shape.ts'
import { malformed } from '../xml/xml-scanner.ts'

/** The document of Put- and GetObjectLegalHold. */
export const legalHold = structure({ Status: text })

/** Fault: MalformedXML. */
export function parseLegalHold({ Status }: Infer<typeof legalHold>): boolean {
  if (Status !== 'ON' && Status !== 'OFF') throw malformed('Status is neither ON nor OFF')
  return Status === 'ON'
}
