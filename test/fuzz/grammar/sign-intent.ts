import type { Chance } from '../chance.ts'
import type { HttpRequest } from '../request.ts'
import { type Key, type Signing, sha256, signInHeader, signInQuery, signInQueryV2 } from '../sign.ts'
import type { World } from '../world.ts'
import type { Signed } from './forgeries.ts'
import { assembled, framed, MODES } from './frames.ts'
import { type Intent, requestOf } from './intents.ts'

export type Form = 'hash' | 'unsigned' | 'frames' | 'query' | 'v2'

/** By whom, and when, where not by the owner and now. */
export interface By {
  key?: Key
  atMs?: number
  region?: string
  expires?: string
}

/** Signed in one of the ways that suit it. */
export function signIntent(chance: Chance, intent: Intent, world: World, by: By = {}): Signed {
  return signRequest(requestOf(intent, world), someForm(chance, intent), world, { chance, by })
}

export function signRequest(
  request: HttpRequest,
  form: Form,
  world: World,
  { chance, by = {} }: { chance: Chance; by?: By },
): Signed {
  const signing = signingOf(world, by)
  switch (form) {
    case 'hash': {
      const signed = signInHeader(request, { ...signing, payload: sha256(request.body) })
      return { request: signed, form: 'header', isBodySigned: true }
    }
    case 'unsigned': {
      const signed = signInHeader(request, { ...signing, payload: 'UNSIGNED-PAYLOAD' })
      return { request: signed, form: 'header', isBodySigned: false }
    }
    case 'frames': {
      const mode = chance.pick(MODES)
      const body = framed(request, { mode, frameBytes: chance.pick([1, 7, 64, 1024]), signing })
      return { request: assembled(body), form: 'header', isBodySigned: mode !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
    }
    case 'query': {
      const signed = signInQuery(request, { ...signing, payload: 'UNSIGNED-PAYLOAD' }, by.expires)
      return { request: signed, form: 'query', isBodySigned: false }
    }
    case 'v2':
      return { request: signInQueryV2(request, { ...signing, payload: '' }), form: 'v2', isBodySigned: false }
  }
}

export function signingOf(
  world: World,
  { key = world.owner, atMs = world.nowMs(), region = world.region }: By = {},
): Omit<Signing, 'payload'> {
  return { key, atMs, region }
}

/** Frames are for bodies; SigV2 signs hardly anything of a query, so that it gets none. */
function someForm(chance: Chance, { query, operation }: Intent): Form {
  const isUpload = operation === 'PutObject' || operation === 'UploadPart'
  return chance.weighted<Form>([
    [4, 'hash'],
    [2, 'unsigned'],
    [isUpload ? 3 : 0, 'frames'],
    [2, 'query'],
    [query.length === 0 ? 1 : 0, 'v2'],
  ])
}
