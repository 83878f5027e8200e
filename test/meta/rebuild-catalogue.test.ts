import { createHash } from 'node:crypto'
import t from 'tap'
import {
  makePartId,
  NULL_VERSION,
  type PartId,
  type ServerNumber,
  type UploadId,
  versionIdOf,
} from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { ChunkDescription } from '../../src/engine/ports/chunk-store.ts'
import { migrate } from '../../src/meta/migrate.ts'
import { openRebuild } from '../../src/meta/rebuild-catalogue.ts'
import type { RebuiltCatalogue } from '../../src/upkeep/ports/rebuild.ts'
import { execute, openTestDatabase } from '../support/postgres.ts'
import { live } from './fixture.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.UTC(2026, 0, 1)
const MIB = 1024 * 1024
const ROOT = 'a'.repeat(64)

interface Written {
  key: string
  /** Hours after the beginning. */
  at: number
  bytes?: number
  uploadId?: string
  number?: number
  /** Chunks that are there; all eight if not given. */
  chunks?: readonly number[]
  session?: number
  checksum?: string
  isVersioned?: boolean
}

const uploadIdOf = (n: number) => makePartId(START, { a: 1, b: n }, 0) as string

let made = 0
function part({ at, session = 5 }: Written): PartId {
  return makePartId(START + at * HOUR, { a: 0, b: made++ }, session)
}

/** Chunk `index` of a part, on server `index` + 1. */
function describe(partId: PartId, written: Written, index: number): ChunkDescription {
  const { key, at, bytes = 100, uploadId = '', number = 1, checksum = '' } = written
  return {
    header: {
      partId,
      index,
      dataChunks: 6,
      parityChunks: 2,
      blockBytes: 32_768,
      label: {
        bucket: 'photos',
        key,
        versionId: written.isVersioned ? versionIdOf((uploadId as UploadId) || partId) : NULL_VERSION,
        uploadId,
        partNumber: number,
        storageClass: 'STANDARD',
        headers: { 'content-type': 'image/png' },
        userMetadata: { colour: 'grün' },
        createdMs: START + at * HOUR,
      },
    },
    trailer: {
      partBytes: bytes,
      chunkHash: hashOf(partId, index),
      seal: {
        etag: createHash('md5').update(`${key} ${number} ${at}`).digest('hex'),
        checksumAlgorithm: checksum && 'SHA256',
        checksum,
      },
    },
  }
}

const hashOf = (partId: PartId, index: number) => createHash('sha256').update(`${partId}/${index}`).digest()

const server = await openTestDatabase({ migrated: false })
t.teardown(() => server[Symbol.asyncDispose]())

/** A database of this version, with a root account and nothing else. */
async function freshDatabase(): Promise<string> {
  const url = await server.anotherUrl()
  await migrate({ url, log: silentLog, signal: live })
  await execute(
    url,
    `insert into accounts (account_id, name, display_name, is_root) values ('${ROOT}', 'root', 'root', true)`,
  )
  return url
}

/** `written` is what the nodes would say. */
async function rebuilt(written: Written[], { uploadTtlMs = DAY } = {}) {
  const url = await freshDatabase()
  const ids = written.map(part)
  const chunks = written.flatMap((one, i) =>
    (one.chunks ?? [0, 1, 2, 3, 4, 5, 6, 7]).map((index) => describe(ids[i]!, one, index)),
  )
  let report: RebuiltCatalogue | undefined
  {
    await using rebuild = await openRebuild(url)
    await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((server) =>
        rebuild.addChunks(
          server as ServerNumber,
          chunks.filter(({ header }) => header.index + 1 === server),
          live,
        ),
      ),
    )
    await rebuild.assemble(live)
    for (const layout of await rebuild.incompleteParts({ after: '', rowsMax: 100 }, live)) {
      const hashes = Buffer.concat(layout.servers.map((_, index) => hashOf(layout.partId, index)))
      await rebuild.settlePart(layout.partId, hashes, live)
    }
    await rebuild.decide({ uploadTtlMs }, live)
    report = await rebuild.commit({ region: 'eu-central-1' }, live)
  }
  const sql = (text: string) => execute(url, text)
  const keys = async () => (await sql('select key from objects order by key')).map(({ key }) => key)
  return { url, ids, report, sql, keys }
}

t.test('rebuild: versions are back under their ids, the one that was begun last as the latest', async (t) => {
  const { ids, sql } = await rebuilt(
    [
      { key: 'a', at: 3, isVersioned: true },
      { key: 'a', at: 1 },
      { key: 'a', at: 2, isVersioned: true },
      { key: 'b', at: 1, isVersioned: true, uploadId: uploadIdOf(1) },
    ],
    { uploadTtlMs: 1 },
  )
  t.same(await sql('select versioning from buckets'), [{ versioning: 'Enabled' }])
  t.same(await sql('select key, version_id, is_latest from objects order by key, seq'), [
    { key: 'a', version_id: 'null', is_latest: false },
    { key: 'a', version_id: versionIdOf(ids[2]!), is_latest: false },
    { key: 'a', version_id: versionIdOf(ids[0]!), is_latest: true },
    { key: 'b', version_id: versionIdOf(uploadIdOf(1) as UploadId), is_latest: true },
  ])
})

t.test('rebuild: a plain object is back with its metadata, its layout and its hashes', async (t) => {
  const store = await rebuilt([{ key: 'a', at: 1, session: 77, checksum: 'c2hh' }])
  const { ids, report, sql } = store
  t.match(await sql(`select b.name, b.owner_id, b.region, o.* from objects o join buckets b using (bucket_id)`), [
    {
      name: 'photos',
      owner_id: ROOT,
      region: 'eu-central-1',
      key: 'a',
      version_id: 'null',
      is_latest: true,
      is_multipart: false,
      size_bytes: '100',
      etag: createHash('md5').update('a 1 1').digest('hex'),
      committed_at: new Date(START + HOUR),
      checksum_algorithm: 'SHA256',
      checksum_value: 'c2hh',
      checksum_type: 'FULL_OBJECT',
      headers: { 'content-type': 'image/png' },
      user_metadata: { colour: 'grün' },
      part_numbers: [1],
      part_ids: ids,
      part_sizes: ['100'],
    },
  ])
  const hashes = Buffer.concat([0, 1, 2, 3, 4, 5, 6, 7].map((index) => hashOf(ids[0]!, index)))
  t.match(await sql('select servers, block_bytes, parity_chunks, refs, chunk_hashes from parts'), [
    { servers: [1, 2, 3, 4, 5, 6, 7, 8], block_bytes: 32_768, parity_chunks: 2, refs: 1, chunk_hashes: hashes },
  ])
  t.match(report, { chunks: 8, objects: 1, buckets: 1, parts: { found: 1, unreadable: 0 }, contestedKeys: 0 })
  t.ok(report.sessionFloor > 77, 'gateways’ sessions are numbered beyond those of before')
  t.match(await sql('select kind, session_floor from catalogue_restores'), [
    { kind: 'rebuild', session_floor: report.sessionFloor },
  ])
})

t.test('rebuild: of several whole objects under a key, the one begun last is taken, and the key is told', async (t) => {
  const store = await rebuilt([
    { key: 'twice', at: 5, bytes: 7 },
    { key: 'twice', at: 3, bytes: 8 },
    { key: 'once', at: 4 },
  ])
  t.same(await store.sql('select key, size_bytes from objects order by key'), [
    { key: 'once', size_bytes: '100' },
    { key: 'twice', size_bytes: '7' },
  ])
  t.match(store.report, {
    contestedKeys: 1,
    parts: { superseded: 1 },
    examples: { contested: [{ bucket: 'photos', key: 'twice' }] },
  })
  t.equal(
    (await store.sql('select from parts')).length,
    2,
    'no row for what is not taken: its chunks are unknown, and kept',
  )
})

t.test('rebuild: fewer than six chunks are nothing; six are an object to be repaired', async (t) => {
  const store = await rebuilt([
    { key: 'five', at: 1, chunks: [0, 1, 2, 6, 7] },
    { key: 'six', at: 1, chunks: [0, 1, 2, 3, 6, 7] },
  ])
  t.same(await store.keys(), ['six'])
  t.match(await store.sql('select servers from parts'), [{ servers: [1, 2, 3, 4, 0, 0, 7, 8] }])
  t.match(await store.sql('select missing_chunks, spare_chunks from repair_queue'), [
    { missing_chunks: 2, spare_chunks: 0 },
  ])
  const [{ chunk_hashes: hashes }] = (await store.sql('select chunk_hashes from parts')) as [{ chunk_hashes: Buffer }]
  t.ok(hashes.subarray(4 * 32, 5 * 32).equals(hashOf(store.ids[1]!, 4)), 'with the hashes that were computed')
  t.match(store.report, { parts: { unreadable: 1, withMissingChunks: 1 }, examples: { unreadable: [{ key: 'five' }] } })
})

t.test(
  'rebuild: an upload that was idle for longer than uploads live was completed; a younger one may not have been',
  async (t) => {
    const [old, young, gap] = [uploadIdOf(1), uploadIdOf(2), uploadIdOf(3)]
    const parts: Written[] = [
      { key: 'old', at: 0, bytes: 5 * MIB, uploadId: old, number: 1, checksum: 'eA==' },
      { key: 'old', at: 1, bytes: 6 * MIB, uploadId: old, number: 2, checksum: 'eQ==' }, // overwritten by the next
      { key: 'old', at: 2, bytes: 70, uploadId: old, number: 2, checksum: 'eg==' },
      { key: 'young', at: 40, bytes: 5 * MIB, uploadId: young, number: 1 },
      { key: 'young', at: 41, bytes: 9, uploadId: young, number: 2 },
      { key: 'gap', at: 0, bytes: 5 * MIB, uploadId: gap, number: 1 },
      { key: 'gap', at: 0, bytes: 9, uploadId: gap, number: 3 },
      { key: 'last', at: 50 },
    ]
    const digest = (key: string, number: number, at: number) =>
      createHash('md5').update(`${key} ${number} ${at}`).digest()
    const etag = `${createHash('md5')
      .update(digest('old', 1, 0))
      .update(digest('old', 2, 2))
      .digest('hex')}-2`
    {
      const store = await rebuilt(parts)
      t.same(await store.keys(), ['last', 'old'])
      t.match(await store.sql(`select * from objects where key = 'old'`), [
        {
          is_multipart: true,
          size_bytes: String(5 * MIB + 70),
          etag,
          part_numbers: [1, 2],
          part_ids: [store.ids[0], store.ids[2]],
          part_sizes: [String(5 * MIB), '70'],
          part_checksums: ['eA==', 'eg=='],
        },
      ])
      t.same(await store.sql(`select key, state from upload_sessions where kind = 'multipart' order by key`), [
        { key: 'gap', state: 'open' },
        { key: 'young', state: 'open' },
      ])
      t.same(
        await store.sql(`select part_number, size_bytes from upload_parts where upload_id = '${young}' order by 1`),
        [
          { part_number: 1, size_bytes: String(5 * MIB) },
          { part_number: 2, size_bytes: '9' },
        ],
      )
      t.match(store.report, {
        objects: 2,
        multipartObjects: 1,
        uploads: 2,
        damagedUploads: 1,
        parts: { superseded: 1 },
      })
    }
    {
      const store = await rebuilt(parts, { uploadTtlMs: 0 })
      t.same(await store.keys(), ['last', 'old', 'young'], 'asked for: all that can be, never one with a gap')
    }
  },
)

t.test('rebuild: never into a database with buckets, and twice changes nothing', async (t) => {
  const store = await rebuilt([{ key: 'a', at: 1 }])
  await t.rejects(openRebuild(store.url), /has buckets already/)
})

t.test('rebuild: what was begun and not committed leaves nothing', async (t) => {
  const url = await freshDatabase()
  {
    await using rebuild = await openRebuild(url)
    const written = { key: 'a', at: 1 }
    await rebuild.addChunks(1 as ServerNumber, [describe(part(written), written, 0)], live)
    await rebuild.assemble(live)
  }
  await using again = await openRebuild(url)
  await again.assemble(live)
  await again.decide({ uploadTtlMs: DAY }, live)
  t.match(await again.commit({ region: 'x' }, live), { chunks: 0, objects: 0, lastWriteAt: null })
})
