import { createHash } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'

/** Checksums computed here, bit by table, without any of the store's libraries: the suite's own opinion. */
export const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type Algorithm = (typeof algorithms)[number]

/** base64, as S3 shows it. */
export function checksum(algorithm: Algorithm, data: Uint8Array): string {
  return rawChecksum(algorithm, data).toString('base64')
}

/** S3's checksum of checksums: over the parts' raw values, a dash, and their count. */
export function compositeChecksum(algorithm: Algorithm, parts: readonly Uint8Array[]): string {
  const joined = Buffer.concat(parts.map((part) => rawChecksum(algorithm, part)))
  return `${checksum(algorithm, joined)}-${parts.length}`
}

export const checksumHeader = (algorithm: Algorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`

/** The SDK's name of an algorithm's field. */
export const checksumField = (algorithm: Algorithm) => `Checksum${algorithm}` as const

function rawChecksum(algorithm: Algorithm, data: Uint8Array): Buffer {
  switch (algorithm) {
    case 'CRC32':
      return uint32(zlibCrc32(data))
    case 'CRC32C':
      return uint32(crc32c(data))
    case 'CRC64NVME':
      return crc64nvme(data)
    case 'SHA1':
      return createHash('sha1').update(data).digest()
    case 'SHA256':
      return createHash('sha256').update(data).digest()
  }
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}

/** Castagnoli, reflected: 0x82f63b78. */
const crc32cTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value >>> 0
})

function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) crc = (crc >>> 8) ^ crc32cTable[(crc ^ byte) & 0xff]!
  return (crc ^ 0xffffffff) >>> 0
}

/** CRC-64/NVME, reflected polynomial 0x9a6c9329ac4bc9b5, in two halves of 32 bits: BigInt would take seconds. */
const POLY_HIGH = 0x9a6c9329
const POLY_LOW = 0xac4bc9b5
const tableHigh = new Uint32Array(256)
const tableLow = new Uint32Array(256)
for (let n = 0; n < 256; n++) {
  let high = 0
  let low = n
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1
    low = ((low >>> 1) | (high << 31)) >>> 0
    high >>>= 1
    if (carry) {
      high = (high ^ POLY_HIGH) >>> 0
      low = (low ^ POLY_LOW) >>> 0
    }
  }
  tableHigh[n] = high
  tableLow[n] = low
}

function crc64nvme(data: Uint8Array): Buffer {
  let high = 0xffffffff
  let low = 0xffffffff
  for (const byte of data) {
    const index = (low ^ byte) & 0xff
    low = (((low >>> 8) | (high << 24)) ^ tableLow[index]!) >>> 0
    high = ((high >>> 8) ^ tableHigh[index]!) >>> 0
  }
  return Buffer.concat([uint32(~high), uint32(~low)])
}
