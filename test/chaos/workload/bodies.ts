import { bytes, md5, multipartEtag } from '../../../conformance/support/bytes.ts'

/** What a client sends: one PUT, or a multipart upload. Made from its seed whenever it is needed, so nothing is kept. */
export interface Body {
  /** Unquoted, as S3 would make it: known before anything is sent. */
  etag: string
  sizeBytes: number
  parts(): Buffer[]
}

const MIB = 1024 * 1024

/** At least so long that no two are the same. */
const SIZES = [16, 700, 4096, 4096, 60_000, 100_000, 300_000, MIB, 2 * MIB + 11, 4 * MIB]
const FIRST_PART_BYTES = 5 * MIB
const LAST_PART_BYTES = [1, 12_345, 2 * MIB]

export function singleBody(seed: string, choose: (count: number) => number, bytesMax = Number.POSITIVE_INFINITY): Body {
  const sizes = SIZES.filter((size) => size <= bytesMax)
  const sizeBytes = sizes[choose(sizes.length)]!
  const parts = () => [bytes(sizeBytes, seed)]
  return { etag: md5(parts()[0]!), sizeBytes, parts }
}

export function multipartBody(seed: string, choose: (count: number) => number): Body {
  const lastBytes = LAST_PART_BYTES[choose(LAST_PART_BYTES.length)]!
  const parts = () => [bytes(FIRST_PART_BYTES, `${seed}/1`), bytes(lastBytes, `${seed}/2`)]
  return { etag: multipartEtag(parts()).replaceAll('"', ''), sizeBytes: FIRST_PART_BYTES + lastBytes, parts }
}
