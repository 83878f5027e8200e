import { S3Failure, wrongBytes } from '../s3-client/s3-failure.ts'
import { BodyReader, plainBody } from '../s3-client/streams.ts'
import { readXmlTree } from '../s3-client/xml-tree.ts'
import { type Bodies, PIECE_BYTES } from './bodies.ts'
import type { KeyRange } from './key-range.ts'
import type { Place } from './place.ts'

/** S3 gives no longer pages. */
const PAGE_KEYS = 1_000

/** The requests that are measured, on objects of one size. Each answers how many bytes of bodies it moved. */
export class Requests {
  readonly #place: Place
  readonly #bodies: Bodies
  readonly #sizeBytes: number

  constructor(place: Place, bodies: Bodies, sizeBytes: number) {
    this.#place = place
    this.#bodies = bodies
    this.#sizeBytes = sizeBytes
  }

  async put(key: string, signal: AbortSignal): Promise<number> {
    const { endpoint, bucket } = this.#place
    const pieces = this.#bodies.pieces(key, this.#sizeBytes)
    // Small ones are sent whole, with their hash: a stream costs a client more than the request itself.
    const sent =
      this.#sizeBytes <= PIECE_BYTES
        ? { body: Buffer.concat([...pieces]) }
        : { stream: plainBody(pieces, this.#sizeBytes) }
    await endpoint.ask({ method: 'PUT', bucket, key, ...sent }, signal)
    return this.#sizeBytes
  }

  /** S3Failure `WrongBytes`: it is not what was put. */
  async get(key: string, signal: AbortSignal): Promise<number> {
    const { endpoint, bucket } = this.#place
    const { body } = await endpoint.open({ method: 'GET', bucket, key }, signal)
    using reader = new BodyReader(body, endpoint.name, () => {})
    await this.#bodies.check(reader, key, this.#sizeBytes)
    return this.#sizeBytes
  }

  async head(key: string, signal: AbortSignal): Promise<number> {
    const { endpoint, bucket } = this.#place
    const { headers } = await endpoint.ask({ method: 'HEAD', bucket, key }, signal)
    const length = headers['content-length']
    if (length !== String(this.#sizeBytes)) throw wrongBytes(`${key}: ${length} bytes instead of ${this.#sizeBytes}`)
    return 0
  }

  /** The first page of what was prepared. S3Failure `MissingKeys`: not all of it is there. */
  async list({ prefix, count }: KeyRange, signal: AbortSignal): Promise<number> {
    const { endpoint, bucket } = this.#place
    const query = { 'list-type': '2', 'max-keys': String(PAGE_KEYS), prefix }
    const { text } = await endpoint.ask({ method: 'GET', bucket, query }, signal)
    const keys = readXmlTree(text).children.filter(({ name }) => name === 'Contents').length
    const wanted = Math.min(PAGE_KEYS, count)
    if (keys >= wanted) return 0
    throw new S3Failure(`a listing of ${prefix} has ${keys} keys instead of ${wanted}`, {
      code: 'MissingKeys',
      status: 200,
    })
  }

  async delete(key: string, signal: AbortSignal): Promise<number> {
    const { endpoint, bucket } = this.#place
    await endpoint.ask({ method: 'DELETE', bucket, key }, signal)
    return 0
  }
}
