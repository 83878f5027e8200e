import { StoreFault } from '../../base/faults.ts'
import type { ByteRange } from '../../engine/engine.ts'

/**
 * The part of `sizeBytes` that a Range header asks for (RFC 9110, section 14.1.2), or undefined for all of it: no header,
 * another unit, bad syntax, several ranges (S3 serves none of these partially).
 * Fault: InvalidRange (beyond the end, a suffix of 0 bytes, anything of an empty object).
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const found = header === undefined ? null : RANGE.exec(header)
  if (found === null) return undefined
  const first = found[1] as string
  const last = found[2] as string
  if (first === '') return last === '' ? undefined : suffixOf(sizeBytes, Number(last), found[0])
  const range = { first: Number(first), last: last === '' ? Number.POSITIVE_INFINITY : Number(last) }
  if (range.first > range.last) return undefined
  if (range.first >= sizeBytes) throw new StoreFault('InvalidRange', { range: found[0].trim(), sizeBytes })
  return { first: range.first, last: Math.min(range.last, sizeBytes - 1) }
}

/**
 * `x-amz-copy-source-range`: `bytes=first-last`, both given, within the source; undefined: no header.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 * Faults: InvalidArgument (any other form), InvalidRange (beyond the source).
 */
export function parseCopyRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined
  const found = COPY_RANGE.exec(header)
  const range = { first: Number(found?.[1]), last: Number(found?.[2]) }
  if (found === null || range.first > range.last) {
    throw new StoreFault('InvalidArgument', {
      name: 'x-amz-copy-source-range',
      value: header.slice(0, 128),
      reason:
        'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    })
  }
  if (range.last >= sizeBytes) throw new StoreFault('InvalidRange', { range: header, sizeBytes })
  return range
}

function suffixOf(sizeBytes: number, length: number, range: string): ByteRange {
  if (length === 0 || sizeBytes === 0) throw new StoreFault('InvalidRange', { range: range.trim(), sizeBytes })
  return { first: Math.max(0, sizeBytes - length), last: sizeBytes - 1 }
}

/** 19 digits hold any 63-bit offset; a longer number is no syntax that S3 serves. */
const RANGE = /^[ \t]*bytes=(\d{0,19})-(\d{0,19})[ \t]*$/i
const COPY_RANGE = /^bytes=(\d{1,19})-(\d{1,19})$/
