import { md5Base64 } from '../../../conformance/support/bytes.ts'
import { element } from '../../../conformance/support/suite.ts'
import { KEYS, maybeVersion, pickKey, pickVersion } from '../choices.ts'
import { tagOf } from '../conditions.ts'
import { blocksOf } from '../documents.ts'
import { operation } from '../operation.ts'
import { NO_SUCH_KEY, PRECONDITION_FAILED, readHead, type Said } from '../said.ts'

interface Deletion {
  key: string
  version?: string
  ifMatch?: 'right' | 'wrong' | '*'
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject = operation<Deletion>({
  make(chance, bucket) {
    const key = pickKey(chance, bucket, 'object')
    if (chance.oneIn(2)) return { key, version: pickVersion(chance, bucket, key) }
    return { key, ...(chance.oneIn(3) && { ifMatch: chance.pick(['right', 'right', 'wrong', '*'] as const) }) }
  },
  call: ({ key, version, ifMatch }, { bucket, idOf }) => ({
    method: 'DELETE',
    key,
    query: { versionId: version && idOf(version) },
    headers: { 'if-match': ifMatch && tagOf(ifMatch, bucket.current(key)) },
  }),
  expect({ key, version, ifMatch }, { bucket, n }): Said | Said[] {
    if (version !== undefined) {
      const gone = bucket.removeVersion(key, version)
      return { status: 204, version, isMarker: gone?.isMarker || undefined }
    }
    // With `*` S3's guide has 412 for what is not there, its API page 404.
    if (ifMatch && !bucket.current(key)) return [NO_SUCH_KEY, PRECONDITION_FAILED]
    if (ifMatch === 'wrong') return PRECONDITION_FAILED
    const marker = bucket.remove(key, `v${n}`)
    return marker ? { status: 204, version: marker.id, isMarker: true } : { status: 204 }
  },
})

interface Deletions {
  /** `ifMatch` where none is named. */
  objects: readonly Deletion[]
  quiet?: true
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects = operation<Deletions>({
  make(chance, bucket) {
    const keys = KEYS.filter(() => chance.oneIn(2))
    if (keys.length === 0) return undefined
    const objects: Deletion[] = keys.map((key) => {
      // Of what there is none, S3 does not say how such an entry fails.
      if (bucket.current(key) && chance.oneIn(6)) return { key, ifMatch: chance.pick(['right', 'wrong'] as const) }
      return { key, ...maybeVersion(chance, bucket, key) }
    })
    // What a quiet one makes is not told, so that no step could name it.
    const isNamed = bucket.versioning === 'never' || objects.every(({ version }) => version)
    return { objects, ...(isNamed && chance.oneIn(3) && { quiet: true }) }
  },
  call({ objects, quiet }, { bucket, idOf }) {
    const entries = objects.map(({ key, version, ifMatch }) => {
      const id = version === undefined ? '' : `<VersionId>${idOf(version)}</VersionId>`
      const etag = ifMatch === undefined ? '' : `<ETag>${tagOf(ifMatch, bucket.current(key))}</ETag>`
      return `<Object><Key>${key}</Key>${id}${etag}</Object>`
    })
    const body = Buffer.from(`<Delete>${quiet ? '<Quiet>true</Quiet>' : ''}${entries.join('')}</Delete>`)
    return { method: 'POST', query: { delete: '' }, headers: { 'content-md5': md5Base64(body) }, body }
  },
  expect({ objects, quiet }, { bucket, n }) {
    const lines = objects.map(({ key, version, ifMatch }) => {
      if (ifMatch && !bucket.current(key)) return `${key}: NoSuchKey`
      if (ifMatch === 'wrong') return `${key}: PreconditionFailed`
      if (version === undefined) {
        const marker = bucket.remove(key, nameOfMarker(n, key))
        return marker ? `${key}, made marker ${marker.id}` : key
      }
      const gone = bucket.removeVersion(key, version)
      return gone?.isMarker ? `${key} ${version}, was marker ${version}` : `${key} ${version}`
    })
    return { status: 200, lines: lines.filter((line) => !quiet || line.includes(': ')).sort() }
  },
  read(answer, nameOf) {
    const head = readHead(answer, nameOf)
    if (head.status !== 200) return head
    const lines = blocksOf(answer.body, ['Deleted', 'Error']).map(({ name, text }) => {
      const key = element(text, 'Key')!
      if (name === 'Error') return `${key}: ${element(text, 'Code')}`
      const [version, marker] = [element(text, 'VersionId'), element(text, 'DeleteMarkerVersionId')]
      const made =
        marker === undefined ? '' : `, ${version === undefined ? 'made' : 'was'} marker ${nameOf(marker, `.${key}`)}`
      return `${key}${version === undefined ? '' : ` ${nameOf(version)}`}${made}`
    })
    return { ...head, lines: lines.sort() }
  },
})

/** Each marker of one step has a name of its own. */
function nameOfMarker(n: number, key: string): string {
  return `v${n}.${key}`
}
