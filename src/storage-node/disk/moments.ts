import type { Random } from '../../base/clock.ts'
import { ChunkError } from '../../base/faults.ts'
import { FILE, type Place } from './chunk-index.ts'
import type { LogPosition } from './segment-log.ts'

/** Which start of the node (8 random bytes), the segment being written and its length, files written: little endian. */
const MOMENT_BYTES = 20
const RUN_BYTES = 8

/**
 * Moments in the sequence of a node's writes, told without a clock, so that a delete that comes late does not take what was
 * written since. They are this run's alone: after a restart nobody can say any more what came first. A chunk that
 * compaction moved counts as written then, which harms nobody: whoever is refused looks again.
 */
export class Moments {
  readonly #run: Buffer
  readonly #log: { readonly position: LogPosition }
  #files = 0

  constructor(log: { readonly position: LogPosition }, random: Random) {
    this.#log = log
    this.#run = Buffer.from(random.bytes(RUN_BYTES))
  }

  now(): Buffer {
    const { segment, offset } = this.#log.position
    const moment = Buffer.alloc(MOMENT_BYTES)
    moment.set(this.#run)
    moment.writeUInt32LE(segment, 8)
    moment.writeUInt32LE(offset, 12)
    moment.writeUInt32LE(this.#files, 16)
    return moment
  }

  /** Of a file that has come into being just now. */
  placeOfFile(payloadBytes: number): Place {
    this.#files += 1
    return { segment: FILE, offset: this.#files, payloadBytes, overheadBytes: 0 }
  }

  /** Whether what lies at a place was written after the moment. Throws `invalid`, `failed` for one of an earlier run. */
  since(moment: Uint8Array): (place: Place) => boolean {
    if (moment.length !== MOMENT_BYTES) throw new ChunkError('invalid', `a moment has ${MOMENT_BYTES} bytes`)
    const bytes = Buffer.from(moment)
    if (!bytes.subarray(0, RUN_BYTES).equals(this.#run)) {
      throw new ChunkError('failed', 'this node was started anew since')
    }
    const [segment, offset, files] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12), bytes.readUInt32LE(16)]
    return (place) => {
      if (place.segment === FILE) return place.offset > files
      return place.segment > segment || (place.segment === segment && place.offset >= offset)
    }
  }
}
