import type { PartId, UploadId } from '../../../src/base/ids.ts'
import type { WriteCondition } from '../../../src/base/model.ts'
import { attributes, live } from '../../meta/fixture.ts'
import type { Draws, Move } from './draws.ts'

/** What clients ask for. */
export const objectMoves: readonly ((draws: Draws) => Move)[] = [
  commit,
  copy,
  rename,
  remove,
  setVersioning,
  list,
  find,
  giveUp,
  createUpload,
  commitPart,
  complete,
  endUpload,
]

function commit(draws: Draws): Move {
  const [key, condition] = [draws.key(), draws.condition()]
  const part = draws.chance.happens(0.1) ? undefined : draws.layout()
  const commit = {
    key,
    condition,
    part,
    sizeBytes: part?.sizeBytes ?? 0,
    etag: draws.etag(),
    attributes,
    checksum: undefined,
    extras: draws.extras(),
  }
  return {
    name: `commit ${key} ${part?.partId} ${JSON.stringify(condition)}`,
    ask: (side) => side.catalogue.commitObject({ bucketId: side.bucket.id, ...commit }, live),
  }
}

function copy(draws: Draws): Move {
  const [from, key] = [draws.key(), draws.key()]
  const condition: WriteCondition = draws.chance.happens(0.3) ? { ifNoneMatch: '*' } : {}
  const [isOld, extras] = [draws.chance.happens(0.2), draws.extras()]
  return {
    name: `copy ${from} to ${key}`,
    async ask({ catalogue, bucket }) {
      const { object } = await catalogue.findObject({ bucket: bucket.name, key: from, versionId: undefined }, live)
      if (!object) return 'nothing there'
      const source = isOld ? { ...object, committedAt: new Date(0) } : object
      return await catalogue.copyObject({ source, bucketId: bucket.id, key, attributes, extras, condition }, live)
    },
  }
}

function rename(draws: Draws): Move {
  const [from, key] = [draws.key(), draws.key()]
  const [condition, isOld] = [draws.condition(), draws.chance.happens(0.1)]
  return {
    name: `rename ${from} to ${key} ${JSON.stringify(condition)}`,
    async ask({ catalogue, bucket }) {
      const { object } = await catalogue.findObject({ bucket: bucket.name, key: from, versionId: undefined }, live)
      if (!object || from === key) return 'nothing to rename'
      const source = isOld ? { ...object, committedAt: new Date(0) } : object
      return (await catalogue.renameObject({ source, key, condition }, live)) ?? 'another one'
    },
  }
}

function remove(draws: Draws): Move {
  const targets = [draws.target(), draws.target()]
  return {
    name: `delete ${JSON.stringify(targets)}`,
    ask: ({ catalogue, bucket, realId }) =>
      catalogue.deleteObjects(
        bucket.id,
        targets.map(({ versionId, ...rest }) => ({ ...rest, versionId: versionId && realId(versionId) })),
        live,
      ),
  }
}

function setVersioning(draws: Draws): Move {
  const versioning = draws.chance.one(['Enabled', 'Enabled', 'Suspended'] as const)
  return {
    name: `versioning ${versioning}`,
    ask: ({ catalogue, bucket }) => catalogue.setVersioning({ bucket, versioning }, live),
  }
}

function list(draws: Draws): Move {
  const query = {
    prefix: draws.chance.one(['', 'a', 'a/']),
    delimiter: draws.chance.one(['', '/']),
    after: draws.chance.one(['', 'a', 'a/']),
    rowsMax: draws.chance.one([0, 1, 2, 100]),
  }
  return {
    name: `list ${JSON.stringify(query)}`,
    ask: ({ catalogue, bucket }) => catalogue.listObjects({ bucketId: bucket.id, ...query }, live),
  }
}

function find(draws: Draws): Move {
  const { key, versionId } = draws.target()
  const ids = draws.someParts().map(({ partId }) => partId)
  return {
    name: `find ${key} ${versionId} ${ids}`,
    ask: async ({ catalogue, bucket, sweeps, realId }) => [
      await catalogue.findObject(
        { bucket: bucket.name, key, versionId: versionId && realId(versionId), withLayouts: true },
        live,
      ),
      await catalogue.findParts(ids, live),
      await sweeps.findUnknownParts(ids, live),
    ],
  }
}

function giveUp(draws: Draws): Move {
  const layouts = [draws.layout()]
  return { name: `give up ${layouts[0]!.partId}`, ask: ({ catalogue }) => catalogue.doomUncommitted(layouts, live) }
}

function createUpload(draws: Draws): Move {
  const upload = { uploadId: draws.id(0) as string as UploadId, key: draws.key() }
  draws.uploads.push(upload)
  const plain = { initiatorId: draws.ownerId, attributes, checksumAlgorithm: undefined, checksumType: undefined }
  const rest = { ...plain, extras: draws.extras() }
  return {
    name: `create upload ${upload.uploadId}`,
    ask: ({ catalogue, bucket }) => catalogue.createUpload({ bucketId: bucket.id, ...upload, ...rest }, live),
  }
}

function commitPart(draws: Draws): Move {
  const { uploadId } = draws.upload()
  const part = draws.layout()
  const commit = {
    uploadId,
    number: 1 + draws.chance.integer(3),
    sizeBytes: part.sizeBytes,
    etag: draws.etag(),
    checksum: undefined,
    part,
  }
  return {
    name: `commit part ${commit.number} of ${uploadId}: ${part.partId}`,
    ask: ({ catalogue }) => catalogue.commitPart(commit, live),
  }
}

function complete(draws: Draws): Move {
  const { uploadId, key } = draws.upload()
  const [condition, etag, isStale, isShort] = [
    draws.condition(),
    draws.etag(),
    draws.chance.happens(0.2),
    draws.chance.happens(0.3),
  ]
  return {
    name: `complete ${uploadId}`,
    async ask({ catalogue, bucket }) {
      const upload = await catalogue.findUpload({ bucketId: bucket.id, key, uploadId }, live)
      const { parts } = await catalogue.listParts({ uploadId, after: 0, rowsMax: 10 }, live)
      const listed = parts.slice(isShort ? 1 : 0).map((part) => ({ ...part, checksum: undefined }))
      if (isStale && listed[0]) listed[0] = { ...listed[0], partId: uploadId as string as PartId }
      if (!upload || (listed.length === 0 && upload.state === 'open')) return 'nothing to complete'
      const made = await catalogue.completeUpload(
        { upload, sizeBytes: 1, etag, checksum: undefined, parts: listed, condition },
        live,
      )
      return [made, await catalogue.findCompletion(uploadId, live)]
    },
  }
}

function endUpload(draws: Draws): Move {
  const { uploadId, key } = draws.upload()
  return draws.chance.happens(0.5)
    ? {
        name: `abort ${uploadId}`,
        ask: ({ catalogue, bucket }) => catalogue.abortUpload({ bucketId: bucket.id, key, uploadId }, live),
      }
    : { name: 'expire uploads', ask: ({ sweeps }) => sweeps.expireUploads(100, live) }
}
