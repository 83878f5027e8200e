import { StoreFault } from '../../base/faults.ts'
import type { BucketName } from '../../base/ids.ts'

/**
 * 3 to 63 of a-z, 0-9, `-` and `.`, by the rules for general purpose buckets.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 * Fault: InvalidBucketName.
 */
export function parseBucketName(text: string): BucketName {
  if (!isBucketName(text)) throw new StoreFault('InvalidBucketName', { bucket: text.slice(0, 255) })
  return text as BucketName
}

export function isBucketName(text: string): boolean {
  return (
    text.length >= 3 &&
    text.length <= 63 &&
    FORM.test(text) &&
    !text.includes('..') &&
    !IPV4.test(text) &&
    !RESERVED.has(text) &&
    !PREFIXES.some((prefix) => text.startsWith(prefix)) &&
    !SUFFIXES.some((suffix) => text.endsWith(suffix))
  )
}

const FORM = /^[a-z0-9][a-z0-9.-]*[a-z0-9]$/
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/
/** `GET /health` tells how the gateway is. */
const RESERVED = new Set(['health'])
const PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-']
const SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3']
