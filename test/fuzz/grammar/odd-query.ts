import type { Chance } from '../chance.ts'
import { latin1 } from '../request.ts'
import type { World } from '../world.ts'
import { requestOf, setBy, someIntent } from './intents.ts'
import type { OddRequest } from './odd-requests.ts'
import { asLatin1, oddValue } from './odd-text.ts'

const PARAMETERS = [
  ...`prefix delimiter marker max-keys encoding-type list-type continuation-token start-after fetch-owner key-marker
  upload-id-marker max-uploads part-number-marker max-parts uploadId partNumber versionId uploads delete location x-id
  max-buckets bucket-region acl tagging versioning versions policy cors attributes torrent restore select select-type
  lifecycle response-content-type response-content-disposition response-cache-control response-expires X-Amz-Foo
  x-amz-meta-q x-amz-acl __proto__ constructor hasOwnProperty 0 é %00`.split(/\s+/),
  '',
  ' ',
]

/** Any operation, with parameters that it knows or not, and odd values. */
export function oddQuery(chance: Chance, world: World, serial: number): OddRequest {
  const intent = someIntent(chance, world, serial)
  const more = chance.some(1, 3, () => [latin1(chance.pick(PARAMETERS)), asLatin1(oddValue(chance))] as const)
  const query = [...(chance.oneIn(3) ? [] : intent.query), ...more]
  const request = requestOf({ ...intent, query }, world)
  return { note: `${intent.operation} with odd parameters`, request, sets: setBy(intent, world) }
}
