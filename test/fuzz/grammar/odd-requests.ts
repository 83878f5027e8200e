import type { Chance } from '../chance.ts'
import type { HttpRequest } from '../request.ts'
import type { World } from '../world.ts'
import { oddHeaders } from './odd-headers.ts'
import { oddQuery } from './odd-query.ts'
import { oddBucket, oddKey, oddPath } from './odd-targets.ts'
import { oddCopySource, oddUpload, oddXml } from './odd-uploads.ts'

/** A request that the owner will sign, however odd it is. */
export interface OddRequest {
  note: string
  request: HttpRequest
  /** Keys of the field that it may set. */
  sets: readonly string[]
}

type Make = (chance: Chance, world: World, serial: number) => OddRequest

const KINDS: readonly (readonly [weight: number, make: Make])[] = [
  [6, oddKey],
  [2, oddPath],
  [1, oddBucket],
  [5, oddQuery],
  [5, oddHeaders],
  [2, oddCopySource],
  [3, oddUpload],
  [5, oddXml],
]

export function oddRequest(chance: Chance, world: World, serial: number): OddRequest {
  return chance.weighted(KINDS)(chance, world, serial)
}
