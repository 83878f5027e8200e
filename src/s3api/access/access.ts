import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import type { Bucket, ObjectVersion } from '../../base/model.ts'
import { type S3Action, versionedAction } from '../actions.ts'
import type { Identity } from '../auth/authenticate.ts'
import type { RequestHead } from '../request-head.ts'
import { type Caller, callerOf } from './caller.ts'
import { decide } from './decide.ts'
import { compiledPolicy } from './policy/compiled-policies.ts'
import { judge } from './policy/policy.ts'
import { RESOURCE_PREFIX } from './policy/resource-patterns.ts'
import { contextOf, type Said } from './request-context.ts'

/** Something to be done to a bucket, or to what is under a key in it. */
export interface Question {
  action: S3Action
  bucket: Bucket
  key?: string
  /** Of the object that is meant: the action's twin for versions is asked for. */
  versionId?: string | undefined
  /** As it was looked up; null: not there. */
  object?: ObjectVersion | null
  /** What the request's body says, which its headers would say elsewhere. */
  said?: Said
  /** It is an upload that the caller began. */
  isInitiator?: boolean
  /** Said of an object that is being written. */
  isAlongWrite?: boolean
}

/** What the caller of one request may do. Every check is made here; where nobody set any rules it is a comparison. */
export interface Access {
  readonly caller: Caller
  may(question: Question): boolean
  /**
   * Fault: AccessDenied. Also where an object is not there, for who may not list the bucket does not learn what is in it:
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
   */
  demand(question: Question): void
  /** Whether anything is to be asked at all, where that is done once the body is there. Fault: AccessDenied. */
  demandAny(bucket: Bucket): void
  /** Of what is done to no bucket that is there; `name`: the one to be made. Fault: AccessDenied. */
  demandOfService(action: S3Action, name: string | undefined): void
}

export function accessOf(identity: Identity, head: RequestHead, clock: Clock): Access {
  const caller = callerOf(identity)

  function verdictOn(question: Question, said?: Said) {
    const { bucket, key, object, versionId, isAlongWrite = false, isInitiator = false } = question
    if (isPlainOwner(caller, bucket, object)) return 'allow'
    const action = versionId === undefined ? question.action : versionedAction(question.action)
    const resource = RESOURCE_PREFIX + bucket.name + (key === undefined ? '' : `/${key}`)
    const facts = { identity, caller, head, clock, bucketOwnerId: bucket.ownerId, tags: object?.extras?.tags }
    const context = contextOf({
      ...facts,
      said: { ...(key !== undefined && { 's3:versionid': versionId }), ...question.said, ...said },
    })
    const access = object?.extras?.access
    return decide({
      caller,
      action,
      resource,
      context,
      bucket,
      access,
      isMissing: object === null,
      isAlongWrite,
      isInitiator,
    })
  }

  function may(question: Question): boolean {
    const verdict = verdictOn(question)
    if (question.object !== null) return verdict === 'allow'
    const { bucket, key, versionId } = question
    return (
      verdict !== 'deny' && verdictOn({ action: 's3:ListBucket', bucket, versionId }, { 's3:prefix': key }) === 'allow'
    )
  }

  return {
    caller,
    may,
    demand(question) {
      if (!may(question)) throw denied(question.action)
    },
    demandAny({ ownerId, settings }) {
      const isOpen = settings.policy !== undefined || settings.acl !== undefined
      if (caller.accountId !== ownerId && !isOpen) throw new StoreFault('AccessDenied', { reason: 'a closed bucket' })
    },
    demandOfService(action, name) {
      if (caller.accountId === undefined) throw denied(action)
      if (caller.policy === undefined) return
      const resource = `${RESOURCE_PREFIX}${name ?? '*'}`
      const context = contextOf({ identity, caller, head, clock, bucketOwnerId: undefined, tags: undefined })
      const verdict = judge(compiledPolicy(caller.policy, { of: 'key' }), { caller, action, resource, context })
      if (verdict !== 'allow') throw denied(action)
    },
  }
}

/** Nearly every request: the owner's, with a key that nothing bounds, on a bucket and an object that nothing was said about. */
function isPlainOwner(caller: Caller, { ownerId, settings }: Bucket, object: Question['object']): boolean {
  return (
    caller.accountId === ownerId &&
    caller.policy === undefined &&
    settings.policy === undefined &&
    (settings.ownership === undefined || object?.extras?.access === undefined)
  )
}

function denied(action: S3Action): StoreFault<'AccessDenied'> {
  return new StoreFault('AccessDenied', { reason: `no leave for ${action}` })
}
