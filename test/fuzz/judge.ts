import { XMLValidator } from 'fast-xml-parser'
import type { Outcome } from './deliver.ts'
import type { Case, World } from './world.ts'

/** Headers that an answer may carry: one that is not here was put in by a client. */
const OURS =
  /^(x-amz-[a-z0-9-]+|server|date|connection|keep-alive|content-(type|length|encoding|language|disposition|range)|transfer-encoding|cache-control|expires|etag|last-modified|accept-ranges|location|retry-after|allow)$/

/** What is wrong with an answer, in words; undefined: nothing. */
export function judge({ verdict, isWhole }: Case, outcome: Outcome, { secret }: World): string | undefined {
  const { status, received, isSilent, isStuck, headers } = outcome
  if (status >= 500 && status !== 501) return `failed on our side: ${status}`
  if (isStuck) return 'the connection is held after its end'
  if (isWhole && (isSilent || (status === 0 && verdict !== 'refuse'))) return 'no answer'
  if (verdict === 'accept' && status >= 300) return `refused, though it is rightful: ${status}`
  if (verdict === 'refuse' && status > 0 && status < 400) return `let in: ${status}`
  if (verdict === 'refuse' && received.includes(secret)) return 'told the secret'
  const foreign = headers.find(([name]) => !OURS.test(name))
  if (foreign) return `a header that is not ours: ${foreign[0].slice(0, 100)}`
  return wrongWith(outcome)
}

/** Errors are S3's XML, and whatever is XML is well-formed. */
function wrongWith({ status, headers, body }: Outcome): string | undefined {
  if (body.length === 0) return undefined
  const type = headers.find(([name]) => name === 'content-type')?.[1]
  if (status >= 400 && type !== 'application/xml') return `an error of type ${type}`
  if (type !== 'application/xml' || !body.subarray(0, 5).equals(Buffer.from('<?xml'))) return undefined
  const validity = XMLValidator.validate(body.toString())
  return validity === true ? undefined : `XML that is none: ${validity.err.msg}`
}
