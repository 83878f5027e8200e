import type { ServerNumber } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Checksum, PartLayout } from '../../base/model.ts'
import type { ChunkDescription, ChunkStore } from '../../engine/ports/chunk-store.ts'
import type { RebuildCatalogue, RebuildOptions, RebuiltCatalogue, SummedUpload } from '../ports/rebuild.ts'

export interface RebuildDeps {
  catalogue: RebuildCatalogue
  chunks: Pick<ChunkStore, 'describeChunks' | 'listChunks'>
  /** The hashes of all chunks of a part, those that are missing computed from six others. Throws when it cannot be read. */
  hashChunks(layout: PartLayout, signal: AbortSignal): Promise<Buffer>
  /** A multipart object's checksum from those of its parts. */
  checksumOf(upload: SummedUpload): Promise<Checksum | undefined>
  progress(line: string): void
  log: Log
}

export interface RebuildReport extends RebuiltCatalogue {
  servers: { server: ServerNumber; chunks: number; damagedChunks: number }[]
}

/** Chunks described in one call, and added in one statement. */
const CHUNKS_AT_ONCE = 1_000
const TELL_EVERY_CHUNKS = 10_000
const TELL_EVERY_PARTS = 100
/** Rows that are gone through in one page. */
const ROWS_AT_ONCE = 500

/**
 * Makes a catalogue of what the chunks on these servers say of themselves, and commits it at the end. Memory: a page a
 * server. Throws when a server does not answer: what it alone has would be missing.
 */
export async function rebuildCatalogue(
  deps: RebuildDeps,
  { servers, region, ...options }: RebuildOptions & { servers: readonly ServerNumber[]; region: string },
  signal: AbortSignal,
): Promise<RebuildReport> {
  const { catalogue, progress } = deps
  const read = await readServers(deps, servers, signal)
  progress('putting parts and objects together')
  await catalogue.assemble(signal)
  await settleIncomplete(deps, signal)
  await catalogue.decide(options, signal)
  await sumUploads(deps, signal)
  progress('writing the catalogue')
  return { ...(await catalogue.commit({ region }, signal)), servers: read }
}

async function readServers(
  { catalogue, chunks, progress, log }: RebuildDeps,
  servers: readonly ServerNumber[],
  signal: AbortSignal,
): Promise<RebuildReport['servers']> {
  let total = 0
  let told = 0
  const readServer = async (server: ServerNumber) => {
    const counts = { server, chunks: 0, damagedChunks: 0 }
    for await (const listed of chunks.listChunks(server, {}, signal)) {
      for (let at = 0; at < listed.length; at += CHUNKS_AT_ONCE) {
        const page: ChunkDescription[] = []
        for await (const answer of chunks.describeChunks(server, listed.slice(at, at + CHUNKS_AT_ONCE), signal)) {
          if (answer.description) page.push(answer.description)
          else {
            const { partId, index, failure } = answer
            log.warn({ server, partId, index, reason: failure.message }, 'a chunk does not say what it belongs to')
            counts.damagedChunks++
          }
        }
        await catalogue.addChunks(server, page, signal)
        counts.chunks += page.length
        total += page.length
        if (total - told < TELL_EVERY_CHUNKS) continue
        told = total
        progress(`${total.toLocaleString('en-US')} chunks read`)
      }
    }
    return counts
  }
  return await Promise.all(servers.map(readServer))
}

/** A chunk that is lost took its hash along; without it, it could not be repaired. */
async function settleIncomplete({ catalogue, hashChunks, log, progress }: RebuildDeps, signal: AbortSignal) {
  let settled = 0
  for (let after = ''; ; ) {
    const page = await catalogue.incompleteParts({ after, rowsMax: ROWS_AT_ONCE }, signal)
    for (const layout of page) {
      const { partId } = layout
      let hashes: Buffer | undefined
      try {
        hashes = await hashChunks(layout, signal)
      } catch (error) {
        signal.throwIfAborted()
        log.warn({ partId, reason: String(error) }, 'a part cannot be read')
      }
      await catalogue.settlePart(partId, hashes, signal)
      settled++
      if (settled % TELL_EVERY_PARTS === 0)
        progress(`${settled.toLocaleString('en-US')} parts with missing chunks read`)
    }
    if (page.length < ROWS_AT_ONCE) return
    after = page.at(-1)!.partId
  }
}

async function sumUploads({ catalogue, checksumOf }: RebuildDeps, signal: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    const upload = await catalogue.nextSummedUpload(after, signal)
    if (!upload) return
    const checksum = await checksumOf(upload)
    if (checksum) await catalogue.setChecksum(upload.uploadId, checksum, signal)
    after = upload.uploadId
  }
}
