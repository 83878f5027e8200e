import { escapeText } from '../../s3api/xml/write-xml.ts'
import { readError, S3Failure } from '../s3-client/s3-failure.ts'
import { plainBody, trailedBody, trailerHeaders } from '../s3-client/streams.ts'
import { readXmlTree, textOf } from '../s3-client/xml-tree.ts'
import { etagOf, hasMd5, type KnownChecksum, type UploadOrder } from './carried.ts'
import type { Place } from './context.ts'

/** A part that the destination has. */
export interface UploadedPart {
  number: number
  etag: string
  sizeBytes: number
  checksum?: string | undefined
}

const ABORT_MS_MAX = 10_000

/** A multipart upload at the destination. */
export class TargetUpload {
  readonly id: string
  readonly #place: Place
  readonly #key: string
  readonly #checksum: KnownChecksum | undefined
  readonly #isLocked: boolean

  constructor(place: Place, key: string, id: string, { checksum, isLocked }: Omit<UploadOrder, 'headers'>) {
    this.#place = place
    this.#key = key
    this.id = id
    this.#checksum = checksum
    this.#isLocked = isLocked
  }

  static async create(place: Place, key: string, order: UploadOrder, signal: AbortSignal): Promise<TargetUpload> {
    const { headers, checksum } = order
    const wanted = checksum && {
      'x-amz-checksum-algorithm': checksum.algorithm,
      'x-amz-checksum-type': checksum.isOfParts ? 'COMPOSITE' : 'FULL_OBJECT',
    }
    const { text } = await place.endpoint.ask(
      { method: 'POST', bucket: place.bucket, key, query: { uploads: '' }, headers: { ...headers, ...wanted } },
      signal,
    )
    return new TargetUpload(place, key, textOf(readXmlTree(text), 'UploadId') ?? '', order)
  }

  /** `promised`: the checksum of the part, where it is known. */
  async put(
    number: number,
    { bytes, sizeBytes }: { bytes: AsyncIterable<Buffer>; sizeBytes: number },
    promised: string | undefined,
    signal: AbortSignal,
  ): Promise<{ part: Omit<UploadedPart, 'sizeBytes'>; isMd5: boolean }> {
    const { endpoint, bucket } = this.#place
    const query = { partNumber: String(number), uploadId: this.id }
    const checksum = this.#checksum
    const isTrailed = checksum !== undefined && this.#isLocked && promised === undefined
    const stream = isTrailed ? trailedBody(bytes, sizeBytes, checksum.algorithm) : plainBody(bytes, sizeBytes)
    const headers = isTrailed
      ? trailerHeaders(sizeBytes, checksum.algorithm)
      : { ...(checksum && promised !== undefined && { [checksum.header]: promised }) }
    const answer = await endpoint.ask({ method: 'PUT', bucket, key: this.#key, query, headers, stream }, signal)
    const own = checksum && (answer.headers[checksum.header] as string | undefined)
    return { part: { number, etag: etagOf(answer.headers), checksum: own }, isMd5: hasMd5(answer.headers) }
  }

  /** What is there already; undefined: there is no such upload any more. */
  async parts(signal: AbortSignal): Promise<UploadedPart[] | undefined> {
    const parts: UploadedPart[] = []
    for (let after = '0'; ; ) {
      const query = { uploadId: this.id, 'part-number-marker': after }
      const { endpoint, bucket } = this.#place
      const answer = await endpoint.find({ method: 'GET', bucket, key: this.#key, query }, signal)
      if (!answer) return undefined
      const page = readXmlTree(answer.text)
      for (const part of page.children) {
        if (part.name !== 'Part') continue
        parts.push({
          number: Number(textOf(part, 'PartNumber')),
          etag: (textOf(part, 'ETag') ?? '').replaceAll('"', ''),
          sizeBytes: Number(textOf(part, 'Size')),
          checksum: this.#checksum && textOf(part, `Checksum${this.#checksum.algorithm}`),
        })
      }
      if (textOf(page, 'IsTruncated') !== 'true') return parts
      after = textOf(page, 'NextPartNumberMarker') ?? ''
    }
  }

  /** Makes the object of the parts; answers its ETag. */
  async complete(
    parts: readonly UploadedPart[],
    condition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    const checksum = this.#checksum
    const list = parts.map(
      (part) =>
        `<Part><PartNumber>${part.number}</PartNumber><ETag>${escapeText(part.etag)}</ETag>${
          checksum && part.checksum
            ? `<Checksum${checksum.algorithm}>${part.checksum}</Checksum${checksum.algorithm}>`
            : ''
        }</Part>`,
    )
    const body = Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`)
    // One of parts follows from theirs, which were checked.
    const promised = checksum && !checksum.isOfParts ? { [checksum.header]: checksum.value } : {}
    const { endpoint, bucket } = this.#place
    const { text } = await endpoint.ask(
      {
        method: 'POST',
        bucket,
        key: this.#key,
        query: { uploadId: this.id },
        headers: { 'content-type': 'application/xml', ...promised, ...condition },
        body,
      },
      signal,
    )
    // It may fail after its head was sent: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    const { code, message = '' } = readError(text)
    if (code !== undefined) throw new S3Failure(`${code}: ${message}`, { code, status: statusOf(code) })
    return (textOf(readXmlTree(text), 'ETag') ?? '').replaceAll('"', '')
  }

  /** As far as that can be done: what is left over expires. */
  async abort(): Promise<void> {
    const { endpoint, bucket } = this.#place
    const request = { method: 'DELETE' as const, bucket, key: this.#key, query: { uploadId: this.id } }
    await endpoint.find(request, AbortSignal.timeout(ABORT_MS_MAX)).catch(() => undefined)
  }
}

/** Of what came after a 200. */
function statusOf(code: string): number {
  return code === 'PreconditionFailed' ? 412 : code === 'InternalError' || code === 'ServiceUnavailable' ? 503 : 400
}
