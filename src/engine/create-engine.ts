import { StoreFault } from '../base/faults.ts'
import type { BucketName } from '../base/ids.ts'
import type { Bucket } from '../base/model.ts'
import { completeUpload } from './complete-upload.ts'
import { copyObject } from './copy-object.ts'
import type { EngineDeps } from './deps.ts'
import { openContentKey } from './encryption/data-keys.ts'
import { DEFAULT_KMS_KEY } from './encryption/key-ring.ts'
import type { Engine } from './engine.ts'
import { lifecycleRules } from './lifecycle-rules.ts'
import { createUpload, findOpenUpload, findUpload, uploadPart, uploadPartCopy } from './multipart.ts'
import { putObject } from './put-object.ts'
import { readObject } from './read-object.ts'

/** The store, wired to its ports. */
export function createEngine(deps: EngineDeps): Engine {
  const { catalogue } = deps
  return {
    catalogue,
    findBucket: (name, signal) => existing(name, catalogue.findBucket(name, signal)),
    lifecycleRules: lifecycleRules(deps),
    putObject: (input, body, signal) => putObject(deps, input, body, signal),
    async findObject(query, signal) {
      const { bucket, ...found } = await catalogue.findObject(query, signal)
      if (!bucket) throw new StoreFault('NoSuchBucket', { bucket: query.bucket })
      return { bucket, ...found }
    },
    readObject: (found, range, signal) => readObject(deps, found, range, signal),
    unlock: ({ extras }, customerKey) => openContentKey(deps.keys, extras?.encryption, customerKey)?.dataKey,
    async checkKmsKey(keyId, signal) {
      await deps.keys.current(keyId ?? DEFAULT_KMS_KEY, signal)
    },
    copyObject: (input, signal) => copyObject(deps, input, signal),
    deleteObjects: (bucket, targets, signal) => catalogue.deleteObjects(bucket.id, targets, signal),
    createUpload: (input, signal) => createUpload(deps, input, signal),
    findUpload: (ref, signal) => findUpload(catalogue, ref, signal),
    uploadPart: (input, body, signal) => uploadPart(deps, input, body, signal),
    uploadPartCopy: (input, signal) => uploadPartCopy(deps, input, signal),
    completeUpload: (input, signal) => completeUpload(deps, input, signal),
    abortUpload: ({ bucket, key, uploadId }, signal) =>
      catalogue.abortUpload({ bucketId: bucket.id, key, uploadId }, signal),
    async listParts({ after, rowsMax, ...ref }, signal) {
      const upload = await findOpenUpload(catalogue, ref, signal)
      return { upload, page: await catalogue.listParts({ uploadId: ref.uploadId, after, rowsMax }, signal) }
    },
    listUploads: ({ bucket, ...query }, signal) => catalogue.listUploads({ bucketId: bucket.id, ...query }, signal),
  }
}

async function existing(name: BucketName, found: Promise<Bucket | undefined>): Promise<Bucket> {
  const bucket = await found
  if (!bucket) throw new StoreFault('NoSuchBucket', { bucket: name })
  return bucket
}
