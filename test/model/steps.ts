import { Chance } from '../fuzz/chance.ts'
import { Bucket } from './bucket.ts'
import { KEYS } from './choices.ts'
import { LARGE_PART } from './content.ts'
import type { Place } from './operation.ts'
import { type OperationName, operations, weights } from './operations/table.ts'

/** One operation of a sequence. All of it is text and numbers, and follows from the seed. */
export interface Step {
  /** Its number: what it makes is called after it, also where other steps are left out. */
  n: number
  name: OperationName
  args: unknown
}

/** As many as are likely to meet. */
const STEPS_MIN = 8
const STEPS_MAX = 18

/** The steps of a seed, a whole number of 32 bits, made against the model alone: no answer of a store has a say in them. */
export function makeSteps(seed: number): Step[] {
  const chance = new Chance(seed, 0)
  const bucket = new Bucket()
  const steps: Step[] = []
  const take = (name: OperationName, args: unknown) => {
    const step = { n: steps.length + 1, name, args }
    expectOf(step, bucket)
    steps.push(step)
  }
  if (chance.oneIn(2)) take('PutBucketVersioning', { status: 'Enabled' })
  if (chance.oneIn(20)) {
    // An upload of which an object of several parts can be made: by chance alone there would hardly be any.
    const upload = { key: chance.pick(KEYS), upload: `u${steps.length + 1}` }
    take('CreateMultipartUpload', { key: upload.key })
    take('UploadPart', { ...upload, number: 1, body: LARGE_PART })
    take('UploadPart', { ...upload, number: 2, body: 'the rest' })
    take('CompleteMultipartUpload', operations.CompleteMultipartUpload.make(chance, bucket))
  }
  const count = chance.between(STEPS_MIN, STEPS_MAX)
  while (steps.length < count) {
    const name = chance.weighted(weights)
    const args = operations[name].make(chance, bucket)
    if (args !== undefined) take(name, args)
  }
  return steps
}

/** What S3 answers to a step; the bucket is as S3 leaves it. */
export function expectOf({ n, name, args }: Step, bucket: Bucket) {
  const place: Place = { bucket, bucketName: '', n, idOf: (id) => id }
  const said = operations[name].expect(args, place)
  return Array.isArray(said) ? said : [said]
}

/** All that can be seen of a bucket. */
export function lookSteps(bucket: Bucket, n: number): Step[] {
  const open = bucket.uploads.filter(({ completed }) => !completed)
  const objects = bucket.versions.filter(({ isMarker }) => !isMarker)
  const steps: [OperationName, unknown][] = [
    ['ListObjectVersions', {}],
    ['ListObjectsV2', {}],
    ['ListMultipartUploads', {}],
    ...objects.map(({ key, id }): [OperationName, unknown] => ['GetObject', { key, version: id }]),
    ...objects
      .filter(({ tags }) => tags.length > 0)
      .map(({ key, id }): [OperationName, unknown] => ['GetObjectTagging', { key, version: id }]),
    ...open.map(({ key, id }): [OperationName, unknown] => ['ListParts', { key, upload: id }]),
  ]
  return steps.map(([name, args], at) => ({ n: n + at, name, args }))
}

/** All that is to go, that the bucket may. */
export function clearSteps(bucket: Bucket, n: number): Step[] {
  const objects = bucket.versions.map(({ key, id }) => ({ key, version: id }))
  const open = bucket.uploads.filter(({ completed }) => !completed)
  const steps: [OperationName, unknown][] = [
    ...open.map(({ key, id }): [OperationName, unknown] => ['AbortMultipartUpload', { key, upload: id }]),
    ...(objects.length > 0 ? [['DeleteObjects', { objects }] as [OperationName, unknown]] : []),
    ['DeleteBucket', {}],
  ]
  return steps.map(([name, args], at) => ({ n: n + at, name, args }))
}
