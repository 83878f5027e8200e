import { ChunkError } from '../base/faults.ts'
import type { ChunkDisk, ChunkSink, DiskStat } from '../storage-node/ports.ts'
import { CALL_SECONDS, Histogram } from './histogram.ts'
import { type Family, family, inGroup, single } from './metric.ts'
import { Counts, Tally } from './tally.ts'

const { counter, gauge, histogram } = inGroup('Storage node')

export const diskMetrics = {
  seconds: histogram({
    name: 'sextant_disk_seconds',
    labels: ['work'],
    bounds: CALL_SECONDS,
    about:
      'Of what a node asks of its disk: put (a small chunk, until it is durable), commit (of a large one), read, delete, verify.',
  }),
  errors: counter({
    name: 'sextant_disk_errors_total',
    labels: ['work', 'failure'],
    about:
      'Work that the disk did not do: failed (it refused: an I/O error), no-space, corrupt (what it gave back is not what was written).',
  }),
  writtenBytes: counter({
    name: 'sextant_disk_written_bytes_total',
    about: 'Bytes of chunks that were written, checksums included.',
  }),
  readBytes: counter({
    name: 'sextant_disk_read_bytes_total',
    about: 'Bytes of chunks that were read for gateways. Those on the same host read past the node.',
  }),
  available: gauge({ name: 'sextant_disk_available_bytes', about: 'What new chunks may take; 0: the disk is full.' }),
  capacity: gauge({ name: 'sextant_disk_capacity_bytes', about: 'Of the file system that the node is on.' }),
  chunks: gauge({ name: 'sextant_disk_chunks', about: 'Chunks that the node has.' }),
  stored: gauge({ name: 'sextant_disk_stored_bytes', about: 'Their bytes.' }),
  writable: gauge({ name: 'sextant_disk_writable', about: '0: the disk refused a write, and has taken none since.' }),
} as const

/** What is the disk's doing. Its other failures are answers: there is no such chunk. */
const FAULTS_OF_DISK = ['failed', 'no-space', 'corrupt']
const WORKS = ['put', 'commit', 'read', 'delete', 'verify']

/** Times and counts what a node asks of its disk. */
export class DiskCounter {
  readonly #seconds = new Tally(() => new Histogram(CALL_SECONDS))
  /** From the start at 0: of a series that begins with its first error, Prometheus sees no increase. */
  readonly #errors = new Tally(() => new Counts(FAULTS_OF_DISK))
  #writtenBytes = 0
  #readBytes = 0

  constructor() {
    for (const work of WORKS) this.#errors.of(work)
  }

  /** The same disk, watched. Who opened it closes it. */
  metered(disk: ChunkDisk): ChunkDisk {
    return {
      put: async (header, payload, trailer) => {
        await this.#time('put', disk.put(header, payload, trailer))
        this.#writtenBytes += payload.length
      },
      create: async (header) => this.#meteredSink(await this.#watch('commit', disk.create(header))),
      read: async (chunkId, offset, length, into) => {
        const bytes = await this.#time('read', disk.read(chunkId, offset, length, into))
        this.#readBytes += length
        return bytes
      },
      locate: (chunkId) => disk.locate(chunkId),
      delete: (chunkIds, writtenBefore) => this.#time('delete', disk.delete(chunkIds, writtenBefore)),
      list: (filter) => disk.list(filter),
      verify: (chunkId) => this.#time('verify', disk.verify(chunkId)),
      describe: (chunkId) => this.#watch('read', disk.describe(chunkId)),
      stat: () => disk.stat(),
      noteBeats: (beats) => disk.noteBeats(beats),
      [Symbol.asyncDispose]: async () => {},
    }
  }

  collect(stat: DiskStat | undefined): Family[] {
    return [
      family(
        diskMetrics.seconds,
        Array.from(this.#seconds.entries(), ([work, seconds]) => [[work], seconds.read()] as const),
      ),
      family(
        diskMetrics.errors,
        [...this.#errors.entries()].flatMap(([work, errors]) =>
          Array.from(errors.entries(), ([failure, count]) => [[work, failure], count] as const),
        ),
      ),
      single(diskMetrics.writtenBytes, this.#writtenBytes),
      single(diskMetrics.readBytes, this.#readBytes),
      ...(stat ? standing(stat) : [single(diskMetrics.writable, 0)]),
    ]
  }

  #meteredSink(sink: ChunkSink): ChunkSink {
    let bytes = 0
    return {
      write: (piece) => {
        bytes += piece.length
        return sink.write(piece)
      },
      commit: async (trailer) => {
        await this.#time('commit', sink.commit(trailer))
        this.#writtenBytes += bytes
      },
      [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
    }
  }

  async #time<T>(work: string, doing: Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const done = await this.#watch(work, doing)
    this.#seconds.of(work).observe((performance.now() - startedAt) / 1000)
    return done
  }

  async #watch<T>(work: string, doing: Promise<T>): Promise<T> {
    try {
      return await doing
    } catch (error) {
      const failure = error instanceof ChunkError ? error.failure : 'failed'
      if (FAULTS_OF_DISK.includes(failure)) this.#errors.of(work).add(failure)
      throw error
    }
  }
}

function standing({ availableBytes, capacityBytes, chunkCount, storedBytes, writable }: DiskStat): Family[] {
  return [
    single(diskMetrics.available, availableBytes),
    single(diskMetrics.capacity, capacityBytes),
    single(diskMetrics.chunks, chunkCount),
    single(diskMetrics.stored, storedBytes),
    single(diskMetrics.writable, writable ? 1 : 0),
  ]
}
