import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import type { VersionId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import type { DeletedObject, DeleteTarget } from '../../engine/ports/catalogue.ts'
import { asFault, describeFault } from '../error-answer.ts'
import { bypass, mayBypass } from '../lock/find-locked.ts'
import { parseObjectKey } from '../names/object-key.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { parseDeleteCondition } from '../objects/delete-condition.ts'
import { isVersionId } from '../objects/version.ts'
import { operation, xml, xmlPayload } from '../operation.ts'
import { boolean, text } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

const wanted = structure({
  Key: text,
  VersionId: optional(text),
  ETag: optional(text),
  LastModifiedTime: optional(text),
  Size: optional(text),
})
const deletion = structure({ Object: flatList(wanted), Quiet: optional(boolean) })

const result = structure({
  Deleted: flatList(
    structure({
      Key: text,
      VersionId: optional(text),
      DeleteMarker: optional(boolean),
      DeleteMarkerVersionId: optional(text),
    }),
  ),
  Error: flatList(structure({ Key: text, VersionId: optional(text), Code: text, Message: text })),
})

/** All that can go go in one transaction. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects = operation({
  name: 'DeleteObjects',
  route: { method: 'POST', on: 'bucket', query: ['delete'] },
  action: 's3:DeleteObject',
  judgedBy: 'body',
  lookUp: 'bucket',
  request: { bypass },
  payload: xmlPayload('Delete', deletion, { sizeBytesMax: limits.deleteXmlBytesMax, needsProof: true }),
  status: 200,
  body: xml('DeleteResult', result),
  async handle(call, { bypass }, signal) {
    const { engine, bucket, document, access, clock } = call
    const origin = eventOrigin(call)
    const { Object: all, Quiet } = document
    if (all.length === 0) throw new StoreFault('MalformedXML', { reason: 'no objects' })
    if (all.length > limits.deleteKeysMax) throw new StoreFault('MalformedXML', { reason: 'over 1,000 objects' })
    const isBypassing = mayBypass(bucket, bypass)
    const targets = all.map((one) =>
      parseWanted(one, clock, (key, versionId) => access.demand({ action: 's3:DeleteObject', bucket, key, versionId })),
    )
    const rightful = targets.filter((target): target is DeleteTarget => !(target instanceof StoreFault))
    const hasLeave = ({ key, versionId }: DeleteTarget) =>
      access.may({ action: 's3:BypassGovernanceRetention', bucket, key, versionId })
    const rights = rightful.map((target) => ({ ...target, mayBypass: isBypassing && hasLeave(target), ...origin }))
    const answers = (await engine.deleteObjects(bucket, rights, signal)).values()
    const outcomes = targets.map((target) => (target instanceof StoreFault ? target : answers.next().value!))
    return {
      output: {
        Deleted: Quiet
          ? []
          : outcomes.flatMap((each, n) => (each instanceof StoreFault ? [] : [success(all[n]!, each)])),
        Error: outcomes.flatMap((each, n) => (each instanceof StoreFault ? [failure(all[n]!, each)] : [])),
      },
    }
  },
})

/** A refusal is of this one alone: NoSuchVersion, AccessDenied, and those of keys and conditions. */
function parseWanted(
  one: Infer<typeof wanted>,
  clock: Clock,
  demandLeave: (key: string, versionId: string | undefined) => void,
): DeleteTarget | StoreFault {
  const { Key, VersionId, ETag, LastModifiedTime, Size } = one
  try {
    demandLeave(Key, VersionId)
    const versionId = VersionId === undefined ? undefined : existingId(Key, VersionId)
    const condition = parseDeleteCondition({ etag: ETag, modified: LastModifiedTime, sizeBytes: Size }, clock)
    return { key: parseObjectKey(Key), versionId, condition }
  } catch (error) {
    return asFault(error)
  }
}

/** Among many, an id that no version could have is one that none has. Fault: NoSuchVersion. */
function existingId(key: string, id: string): VersionId {
  if (!isVersionId(id)) throw new StoreFault('NoSuchVersion', { key, versionId: id })
  return id
}

/** Of a delete marker that was made, or deleted, the id is told too. */
function success({ Key, VersionId }: Infer<typeof wanted>, { versionId, isDeleteMarker }: DeletedObject) {
  const marker = isDeleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: versionId } : {}
  return { Key, VersionId, ...marker }
}

function failure({ Key, VersionId }: Infer<typeof wanted>, fault: StoreFault) {
  const { code, message } = describeFault(fault)
  return { Key, VersionId, Code: code, Message: message }
}
