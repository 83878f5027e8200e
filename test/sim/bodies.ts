import { createHash, hash } from 'node:crypto'
import { StoreFault } from '../../src/base/faults.ts'
import type { BodyClaims, ByteStream } from '../../src/engine/engine.ts'
import type { Chance } from './world/chance.ts'
import type { Timeline } from './world/timeline.ts'

export interface SentBody {
  body: ByteStream
  claims: BodyClaims
  /** What is sent is what was claimed. */
  isHonest: boolean
}

/** Parts without bytes, whole ones, and such of several stripes. */
const SIZES_MAX = [0, 1, 200, 200, 3_000, 3_000, 6_000, 20_000]

/** Bytes that nobody else wrote, and no two blocks of which are the same. */
export function makeBytes(chance: Chance, name: string): Buffer {
  const sizeMax = chance.one(SIZES_MAX)
  const bytes = Buffer.alloc(sizeMax === 0 ? 0 : 1 + chance.integer(sizeMax))
  let state = hash('md5', name, 'buffer').readUInt32LE() | 1
  for (let at = 0; at < bytes.length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

/** Some clients are slow; some leave, or send something else than they said. */
export function makeBody({ chance, timeline }: { chance: Chance; timeline: Timeline }, bytes: Buffer): SentBody {
  const pieceBytes = chance.one([64, 1_000, 100_000])
  const isSlow = chance.happens(0.1)
  const breaksAt = chance.happens(0.03) ? chance.integer(bytes.length + 1) : Number.POSITIVE_INFINITY
  const isLonger = chance.happens(0.02)
  const isOther = chance.happens(0.02)
  async function* body() {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (isSlow && chance.happens(0.2)) await timeline.pause(chance.between(0, 1_500))
      if (at >= breaksAt) throw new StoreFault('IncompleteBody', { sizeBytes: at, expectedBytes: bytes.length })
      yield Buffer.from(bytes.subarray(at, at + pieceBytes))
    }
  }
  const md5 = createHash('md5').update(bytes)
  if (isOther) md5.update('something else')
  const claims = {
    sizeBytes: bytes.length + (isLonger ? 1 : 0),
    md5: isOther || chance.happens(0.5) ? md5.digest() : undefined,
    checksum: undefined,
  }
  return { body: body(), claims, isHonest: !isLonger && !isOther }
}
