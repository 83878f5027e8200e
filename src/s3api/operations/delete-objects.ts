import { StoreFault } from '../../base/faults.ts'
import type { ObjectKey } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { asFault, describeFault } from '../error-answer.ts'
import { parseObjectKey } from '../names/object-key.ts'
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
  Deleted: flatList(structure({ Key: text, VersionId: optional(text) })),
  Error: flatList(structure({ Key: text, VersionId: optional(text), Code: text, Message: text })),
})

/** All that can go go in one transaction. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects = operation({
  name: 'DeleteObjects',
  route: { method: 'POST', on: 'bucket', query: ['delete'] },
  action: 's3:DeleteObject',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('Delete', deletion, { sizeBytesMax: limits.deleteXmlBytesMax, needsProof: true }),
  status: 200,
  body: xml('DeleteResult', result),
  async handle({ engine, bucket, document }, _input, signal) {
    const { Object: all, Quiet } = document
    if (all.length === 0) throw new StoreFault('MalformedXML', { reason: 'no objects' })
    if (all.length > limits.deleteKeysMax) throw new StoreFault('MalformedXML', { reason: 'over 1,000 objects' })
    const judged = all.map(judge)
    const keys = new Set(judged.flatMap((each) => (each.key === undefined ? [] : [each.key])))
    if (keys.size > 0) await engine.deleteObjects(bucket, [...keys], signal)
    const deleted = Quiet ? [] : judged.filter((each) => each.key !== undefined)
    return {
      output: {
        Deleted: deleted.map(({ wanted: { Key, VersionId } }) => ({ Key, VersionId })),
        Error: judged.flatMap((each) => (each.key === undefined ? [failure(each)] : [])),
      },
    }
  },
})

type Judged = { wanted: Infer<typeof wanted> } & ({ key: ObjectKey } | { key?: undefined; fault: StoreFault })

function judge(one: Infer<typeof wanted>): Judged {
  try {
    return { wanted: one, key: parseWanted(one) }
  } catch (error) {
    return { wanted: one, fault: asFault(error) }
  }
}

/** Faults: NoSuchVersion (no versions are kept yet), NotImplemented, those of parseObjectKey. */
function parseWanted({ Key, VersionId, ETag, LastModifiedTime, Size }: Infer<typeof wanted>): ObjectKey {
  if ((ETag ?? LastModifiedTime ?? Size) !== undefined) {
    throw new StoreFault('NotImplemented', { feature: 'A condition on a delete' })
  }
  if (VersionId !== undefined && VersionId !== 'null') {
    throw new StoreFault('NoSuchVersion', { key: Key, versionId: VersionId })
  }
  return parseObjectKey(Key)
}

function failure({ wanted: { Key, VersionId }, fault }: Extract<Judged, { fault: StoreFault }>) {
  const { code, message } = describeFault(fault)
  return { Key, VersionId, Code: code, Message: message }
}
