import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import { chunkIdBytes, type ServerId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { Turnstile } from '../base/turnstile.ts'
import { HEADER_START_BYTES, headerLength } from '../chunk-files/chunk-frame.ts'
import { parseKey } from '../chunk-files/chunk-key.ts'
import { FileCache } from '../chunk-files/file-cache.ts'
import { IDENTITY_BYTES_MAX, parseIdentity } from '../chunk-files/identity.ts'
import { chunkFilePath, type DiskPaths, diskPaths, segmentPath } from '../chunk-files/paths.ts'
import type { ChunkPlace } from '../engine/ports/chunk-store.ts'
import type { StoredChunk } from '../engine/ports/local-chunks.ts'
import type { HostFile, HostFiles } from './host-files.ts'

export interface LocalDirectoryDeps {
  files: HostFiles
  clock: Clock
  log: Log
}

/** How long a look at the directory's identity holds. */
const PROOF_MS = 1_000
/** A directory that is not here, or not that server's, or not to be read, is looked at again after this. */
const RETRY_MS = 30_000
/** A read that takes longer shows that the disk hangs: nothing more is read there until it is back. */
const STUCK_MS = 1_000
/** Reads of one disk at once: a disk that hangs must not hold all threads that read files. */
const READS_MAX = 2
/** Open files, so that small ranges of a large object do not open its chunks each time. */
const FILES_MAX = 256

/** A chunk's file, or a segment. */
interface OpenFile {
  file: HostFile
  /** Where a chunk's payload begins; in a segment, what its place counts from. */
  start: number
  close(): Promise<void>
}

/** What to read of a chunk, and where it lies; without a place, in a file of its own. */
export interface LocalPiece {
  place: ChunkPlace | undefined
  offset: number
  targets: readonly Buffer[]
}

/**
 * One server's directory as seen from this host. It is read only while its node.json says that it is that server's:
 * on another host the same path may be another server's, and disks move.
 */
export class LocalDirectory implements AsyncDisposable {
  readonly serverId: ServerId
  readonly root: string
  readonly #deps: LocalDirectoryDeps
  readonly #paths: DiskPaths
  readonly #files = new FileCache<OpenFile>(FILES_MAX)
  readonly #turns = new Turnstile(READS_MAX)
  /** When the reads that are under way began, the oldest first. */
  readonly #begun = new Set<{ atMs: number }>()
  #proof: Promise<void> | undefined
  #provenUntilMs = 0
  #refusedUntilMs = 0
  #isLeft = false
  /** What the log was told last. */
  #told = ''

  constructor(deps: LocalDirectoryDeps, { serverId, root }: { serverId: ServerId; root: string }) {
    this.#deps = deps
    this.serverId = serverId
    this.root = root
    this.#paths = diskPaths(root)
  }

  /** Whether a read is likely to succeed. */
  get isReadable(): boolean {
    return !this.#isLeft && this.#deps.clock.nowMs() >= this.#refusedUntilMs && !this.#isStuck()
  }

  /** Faults: ChunkError. */
  async read(chunk: StoredChunk, piece: LocalPiece): Promise<void> {
    if (!this.isReadable) throw new ChunkError('unreachable', `${this.root} is not read for now`)
    try {
      await this.#proven()
      await this.#turns.run(() => this.#readOnce(chunk, piece))
    } catch (error) {
      throw this.#toChunkError(error)
    }
  }

  /** Files that nobody has read since the last call are closed: the space of a deleted file is free once it is. */
  closeIdle(): void {
    this.#files.dropIdle()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isLeft = true
    await this.#files[Symbol.asyncDispose]()
  }

  async #readOnce(chunk: StoredChunk, { place, offset, targets }: LocalPiece): Promise<void> {
    if (this.#isLeft) throw new ChunkError('unreachable', `${this.root} is read no longer`)
    const isInSegment = place !== undefined && place.segment !== 0
    const name = isInSegment ? `segment ${place.segment}` : `${chunk.partId}-${chunk.index}`
    const open = () => (isInSegment ? this.#openSegment(place.segment) : this.#openChunk(chunk))
    const at = offset + (isInSegment ? place.offset : 0)
    const begun = { atMs: this.#deps.clock.nowMs() }
    this.#begun.add(begun)
    try {
      const wanted = targets.reduce((sum, target) => sum + target.length, 0)
      const count = await this.#files.use(name, open, ({ file, start }) => file.read(targets, start + at))
      if (count < wanted) throw new ChunkError('corrupt', `${name} is cut short`)
    } finally {
      this.#begun.delete(begun)
    }
  }

  async #openSegment(segment: number): Promise<OpenFile> {
    const file = await this.#deps.files.open(segmentPath(this.#paths, segment))
    return { file, start: 0, close: () => file.close() }
  }

  async #openChunk({ partId, index, payloadBytes }: StoredChunk): Promise<OpenFile> {
    const key = parseKey(chunkIdBytes(partId, index))
    const file = await this.#deps.files.open(chunkFilePath(this.#paths, { key, payloadBytes }))
    try {
      const header = Buffer.alloc(HEADER_START_BYTES)
      await file.read([header], 0)
      const start = headerLength(header)
      if (start === undefined) throw new ChunkError('corrupt', `the header of chunk ${partId}-${index} is damaged`)
      return { file, start, close: () => file.close() }
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
  }

  /** Throws when the directory is not, or no longer, this server's. All who ask at once share a look. */
  async #proven(): Promise<void> {
    if (this.#deps.clock.nowMs() < this.#provenUntilMs) return
    this.#proof ??= this.#prove()
    await this.#proof
  }

  async #prove(): Promise<void> {
    const { clock, files } = this.#deps
    try {
      const found = parseIdentity(await readStart(files, this.#paths.identity))
      if (found.kind !== 'known') throw new ChunkError('failed', `its node.json is ${found.kind}`)
      if (found.serverId !== this.serverId) throw new ChunkError('failed', `it is server ${found.serverId}'s`)
      this.#provenUntilMs = clock.nowMs() + PROOF_MS
      this.#tell('chunks of a storage server are read on this host', {})
    } catch (error) {
      this.#refuse(error)
      throw error
    } finally {
      this.#proof = undefined
    }
  }

  #refuse(error: unknown): void {
    this.#refusedUntilMs = this.#deps.clock.nowMs() + RETRY_MS
    this.#provenUntilMs = 0
    this.#tell('chunks of a storage server cannot be read on this host', { reason: (error as Error).message })
  }

  /** A chunk that is not there says nothing of the others; one that must not be read does. */
  #toChunkError(error: unknown): ChunkError {
    if (error instanceof ChunkError) return error
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') this.#refuse(error)
    return new ChunkError(code === 'ENOENT' ? 'not-found' : 'failed', `cannot be read here (${code})`, { cause: error })
  }

  #isStuck(): boolean {
    const [oldest] = this.#begun
    return oldest !== undefined && this.#deps.clock.nowMs() - oldest.atMs > STUCK_MS
  }

  /** Once for each change. */
  #tell(message: string, more: { reason?: string }): void {
    const line = message + (more.reason ?? '')
    if (line === this.#told) return
    this.#told = line
    this.#deps.log.info({ server: this.serverId, directory: this.root, ...more }, message)
  }
}

async function readStart(files: HostFiles, path: string): Promise<string> {
  const file = await files.open(path)
  try {
    const bytes = Buffer.alloc(IDENTITY_BYTES_MAX)
    return bytes.toString('utf8', 0, await file.read([bytes], 0))
  } finally {
    await file.close()
  }
}
