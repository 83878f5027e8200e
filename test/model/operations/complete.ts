import { element } from '../../../conformance/support/suite.ts'
import type { Chance } from '../../fuzz/chance.ts'
import type { Bucket, Upload } from '../bucket.ts'
import { judgeWrite, pickWriteCondition, type WriteCondition, writeHeaders } from '../conditions.ts'
import { etagOfParts, PART_BYTES_MIN, sizeOf } from '../content.ts'
import { operation } from '../operation.ts'
import { NO_SUCH_UPLOAD, readHead, refusal, type Said } from '../said.ts'
import { type OfUpload, pickUpload } from './uploads.ts'

interface Complete extends OfUpload, WriteCondition {
  parts: readonly ListedPart[]
}

interface ListedPart {
  number: number
  /** Its ETag. */
  tag: 'right' | 'wrong'
}

const WRONG_ETAG = '"00000000000000000000000000000000"'

function pickParts(chance: Chance, { parts }: Upload): ListedPart[] {
  const all = [...parts.keys()].sort((a, b) => a - b)
  const isLarge = all.length > 1 && sizeOf(parts.get(all[0]!)!.content) >= PART_BYTES_MIN
  const isFirst = chance.oneIn(isLarge ? 6 : 2)
  const numbers = isFirst ? all.slice(0, 1) : chance.oneIn(4) ? all.filter(() => chance.oneIn(2)) : all
  const listed = numbers.map((number) => ({ number, tag: chance.oneIn(20) ? 'wrong' : 'right' }) as ListedPart)
  if (chance.oneIn(isLarge ? 2 : 12)) listed.reverse()
  if (chance.oneIn(20)) listed.push({ number: chance.pick([2, 9]), tag: 'right' })
  return listed
}

function etagIn(bucket: Bucket, upload: string, { number, tag }: ListedPart): string {
  const part = bucket.uploads.find(({ id }) => id === upload)?.parts.get(number)
  return tag === 'right' && part ? part.etag : WRONG_ETAG
}

/** Why it must not be done. */
function refusalsOf({ key, parts, ...condition }: Complete, open: Upload, bucket: Bucket): Said[] {
  if (parts.length === 0) return [refusal(400, 'MalformedXML')]
  const refusals = judgeWrite(condition, bucket.current(key))
  if (parts.some(({ number }, n) => n > 0 && number <= parts[n - 1]!.number))
    refusals.push(refusal(400, 'InvalidPartOrder'))
  const found = parts.map(({ number, tag }) => (tag === 'right' ? open.parts.get(number) : undefined))
  if (found.includes(undefined)) refusals.push(refusal(400, 'InvalidPart'))
  if (found.slice(0, -1).some((part) => part && sizeOf(part.content) < PART_BYTES_MIN))
    refusals.push(refusal(400, 'EntityTooSmall'))
  return refusals
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export const completeMultipartUpload = operation<Complete>({
  make(chance, bucket) {
    const picked = pickUpload(chance, bucket)
    if (!picked) return undefined
    const upload = bucket.uploads.find(({ id }) => id === picked.upload)
    const again = upload?.completed?.numbers.map((number) => ({ number, tag: 'right' as const }))
    if (again) return { ...picked, parts: again }
    return {
      ...picked,
      parts: upload ? pickParts(chance, upload) : [{ number: 1, tag: 'right' }],
      ...pickWriteCondition(chance),
    }
  },
  call: ({ key, upload, parts, ...condition }, { bucket, idOf }) => {
    const listed = parts.map(
      (part) => `<Part><PartNumber>${part.number}</PartNumber><ETag>${etagIn(bucket, upload, part)}</ETag></Part>`,
    )
    return {
      method: 'POST',
      key,
      query: { uploadId: idOf(upload) },
      headers: writeHeaders(condition, bucket.current(key)),
      body: Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`),
    }
  },
  expect(args, { bucket, n }): Said | Said[] {
    const { key, upload, parts } = args
    const done = bucket.uploads.find(({ id, completed }) => id === upload && completed)
    if (done) return done.key === key ? expectAgain(args, done) : NO_SUCH_UPLOAD
    const open = bucket.openUpload(upload, key)
    if (!open) return parts.length === 0 ? [NO_SUCH_UPLOAD, refusal(400, 'MalformedXML')] : NO_SUCH_UPLOAD
    const refusals = refusalsOf(args, open, bucket)
    if (refusals.length > 0) return refusals
    const joined = parts.map(({ number }) => open.parts.get(number)!)
    const { type, meta, tags } = open
    const made = bucket.write(
      {
        key,
        type,
        meta,
        tags,
        content: joined.flatMap(({ content }) => content),
        etag: etagOfParts(joined),
        parts: joined.map(({ content }, at) => ({ number: parts[at]!.number, bytes: sizeOf(content) })),
      },
      `v${n}`,
    )
    const version = bucket.toldId(made)
    open.completed = { numbers: parts.map(({ number }) => number), etag: made.etag, version }
    return { status: 200, etag: made.etag, version }
  },
  read(answer, nameOf) {
    const head = readHead(answer, nameOf)
    if (head.status !== 200) return head
    // It may have begun to answer before it knew.
    const code = element(answer.body, 'Code')
    return { ...head, code, etag: element(answer.body, 'ETag') }
  },
})

/** The same again is answered the same; of anything else S3 says nothing. */
function expectAgain({ parts, ifMatch, ifNoneMatch }: Complete, { completed, parts: had }: Upload): Said | Said[] {
  const { numbers, ...answer } = completed!
  const isSame =
    parts.map(({ number }) => number).join() === numbers.join() && parts.every(({ tag }) => tag === 'right')
  const again = { status: 200, ...answer }
  if (isSame && !ifMatch && !ifNoneMatch && had.size > 0) return again
  return [
    again,
    NO_SUCH_UPLOAD,
    ...['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'MalformedXML'].map((code) => refusal(400, code)),
    refusal(412, 'PreconditionFailed'),
    refusal(404, 'NoSuchKey'),
  ]
}
