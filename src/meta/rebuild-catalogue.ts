import type pg from 'pg'
import type { ServerNumber } from '../base/ids.ts'
import type { Checksum, ChecksumAlgorithm } from '../base/model.ts'
import { Turnstile } from '../base/turnstile.ts'
import type { ChunkDescription } from '../engine/ports/chunk-store.ts'
import type { NamedKey, RebuildCatalogue, RebuiltCatalogue, SummedUpload } from '../upkeep/ports/rebuild.ts'
import { openClient } from './own-client.ts'
import * as queries from './queries/rebuild.ts'
import { type LayoutJson, NIL_UUID, toLayout } from './rows.ts'

/** Why a database cannot take a rebuilt catalogue, in a sentence. */
export class NotEmptyError extends Error {}

/**
 * Opens a rebuild in a database that was migrated, has a root account, and nothing else. Throws NotEmptyError. All work is
 * in temporary tables of one session, without time limits: whatever ends the session undoes it.
 */
export async function openRebuild(url: string): Promise<RebuildCatalogue> {
  const client = await openClient(url, 'sextant rebuild-catalogue')
  try {
    await refuseUnlessEmpty(client)
    await client.query(queries.CREATE_TABLES)
  } catch (error) {
    await client.end()
    throw error
  }
  return new Rebuild(client)
}

async function refuseUnlessEmpty(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ data: boolean; gateways: boolean; root: boolean }>(`
    select exists (select from buckets) or exists (select from objects) or exists (select from parts)
             or exists (select from upload_sessions where kind = 'multipart') as data,
           exists (select from upload_sessions where kind = 'gateway' and state = 'open' and expires_at > clock_timestamp())
             as gateways,
           exists (select from accounts where is_root) as root`)
  const { data, gateways, root } = rows[0]!
  if (data) throw new NotEmptyError('The database has buckets already: a catalogue is rebuilt into an empty one.')
  if (gateways) throw new NotEmptyError('A gateway is at work on this database: stop all gateways first.')
  if (!root)
    throw new NotEmptyError(
      'There is no root account to own what is found: `sextant migrate` makes it, with its keys in the environment.',
    )
}

class Rebuild implements RebuildCatalogue {
  readonly #client: pg.Client
  /** One statement at a time, whoever asks. */
  readonly #turn = new Turnstile(1)
  constructor(client: pg.Client) {
    this.#client = client
  }

  async addChunks(server: ServerNumber, chunks: readonly ChunkDescription[]): Promise<void> {
    if (chunks.length > 0) await this.#turn.run(() => this.#add(server, chunks))
  }

  async #add(server: ServerNumber, chunks: readonly ChunkDescription[]): Promise<void> {
    const all = <T>(of: (chunk: ChunkDescription) => T) => chunks.map(of)
    await this.#client.query(queries.ADD_CHUNKS, [
      server,
      all(({ header }) => header.partId),
      all(({ header }) => header.index),
      all(({ header }) => header.dataChunks),
      all(({ header }) => header.parityChunks),
      all(({ header }) => header.blockBytes),
      all(({ trailer }) => trailer.partBytes),
      all(({ trailer }) => trailer.chunkHash),
    ])
    const parts = [...new Map(chunks.map((chunk) => [chunk.header.partId, chunk])).values()]
    const each = <T>(of: (chunk: ChunkDescription) => T) => parts.map(of)
    await this.#client.query(queries.ADD_PARTS, [
      each(({ header }) => header.partId),
      each(({ header }) => header.label.bucket),
      each(({ header }) => header.label.key),
      each(({ header }) => header.label.versionId),
      each(({ header }) => header.label.uploadId),
      each(({ header }) => header.label.partNumber),
      each(({ header }) => header.label.storageClass),
      each(({ header }) => JSON.stringify(header.label.headers)),
      each(({ header }) => JSON.stringify(header.label.userMetadata)),
      each(({ header }) => header.label.createdMs),
      each(({ trailer }) => trailer.seal.etag),
      each(({ trailer }) => trailer.seal.checksumAlgorithm),
      each(({ trailer }) => trailer.seal.checksum),
      each(({ header }) => (header.label.encryption ? JSON.stringify(header.label.encryption) : '')),
      each(({ trailer }) => trailer.seal.plainBytes ?? 0),
    ])
  }

  async assemble(): Promise<void> {
    await this.#client.query(queries.PUT_PARTS_TOGETHER)
  }

  async decide({ uploadTtlMs }: { uploadTtlMs: number }): Promise<void> {
    await this.#client.query(queries.DECIDE_UPLOADS)
    await this.#client.query(queries.TAKE_FOR_COMPLETED, [uploadTtlMs])
  }

  async incompleteParts({ after, rowsMax }: { after: string; rowsMax: number }) {
    const values = [after === '' ? NIL_UUID : after, rowsMax]
    const { rows } = await this.#client.query<{ layout: LayoutJson }>(queries.INCOMPLETE_PARTS, values)
    return rows.map(({ layout }) => toLayout(layout))
  }

  async settlePart(partId: string, chunkHashes: Buffer | undefined): Promise<void> {
    if (chunkHashes)
      await this.#client.query('update found_parts set chunk_hashes = $2 where part_id = $1', [partId, chunkHashes])
    else await this.#client.query('update found_parts set is_readable = false where part_id = $1', [partId])
  }

  async nextSummedUpload(after: string): Promise<SummedUpload | undefined> {
    const { rows } = await this.#client.query<SummedRow>(queries.NEXT_SUMMED_UPLOAD, [after])
    return rows.map(({ upload_id: uploadId, parts }) => ({
      uploadId,
      parts: parts.map(({ etag, sizeBytes, algorithm, value }) => ({
        etag,
        sizeBytes,
        checksum: { algorithm, value, type: 'FULL_OBJECT' as const },
      })),
    }))[0]
  }

  async setChecksum(uploadId: string, { algorithm, value, type }: Checksum): Promise<void> {
    await this.#client.query(
      `update uploads_found set checksum_algorithm = $2, checksum_value = $3, checksum_type = $4 where upload_id = $1`,
      [uploadId, algorithm, value, type],
    )
  }

  async commit({ region }: { region: string }): Promise<RebuiltCatalogue> {
    const client = this.#client
    await client.query('begin')
    // Another rebuild, or a gateway that made a bucket meanwhile.
    await client.query('lock table buckets in access exclusive mode')
    await refuseUnlessEmpty(client)
    await client.query(queries.DECIDE_OBJECTS)
    await client.query(queries.INSERT_BUCKETS, [region])
    for (const insert of [
      queries.INSERT_PARTS,
      queries.INSERT_OBJECTS,
      queries.INSERT_UPLOADS,
      queries.INSERT_UPLOAD_PARTS,
      queries.QUEUE_REPAIRS,
    ])
      await client.query(insert)
    const { rows } = await client.query<{ floor: number }>(queries.MARK)
    const report = await this.#report(rows[0]!.floor)
    await client.query('commit')
    return report
  }

  async #report(sessionFloor: number): Promise<RebuiltCatalogue> {
    const count = (await this.#client.query(queries.COUNT)).rows[0]
    const examples = async (text: string) => (await this.#client.query<NamedKey>(text)).rows
    return {
      chunks: count.chunks,
      parts: {
        found: count.found,
        unreadable: count.unreadable,
        withMissingChunks: count.with_missing_chunks,
        superseded: count.superseded,
      },
      buckets: count.buckets,
      objects: count.objects,
      multipartObjects: count.multipart_objects,
      uploads: count.uploads,
      contestedKeys: count.contested_keys,
      damagedUploads: count.damaged_uploads,
      lastWriteAt: count.last_write_at?.toISOString() ?? null,
      sessionFloor,
      examples: {
        contested: await examples(queries.EXAMPLES.contested),
        unreadable: await examples(queries.EXAMPLES.unreadable),
        uploads: await examples(queries.EXAMPLES.uploads),
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end().catch(() => {}) // nothing of it is kept anyway
  }
}

interface SummedRow {
  upload_id: string
  parts: { etag: string; sizeBytes: number; algorithm: ChecksumAlgorithm; value: string }[]
}
