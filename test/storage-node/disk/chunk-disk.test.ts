import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  listAll,
  makeChunk,
  openTestDisk,
  otherBytes,
  put,
  readAll,
  refused,
  stream,
  temporaryDirectory,
} from './chunks.ts'

const MIB = 1024 * 1024

t.test('small and large chunks are read back, bit for bit, also after a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  const sizes = [1, 5, 4095, 4096, 4097, 200_000, 260_000, 300_000, 3 * MIB, 3 * MIB + 1]
  const chunks = sizes.map((dataBytes, i) => makeChunk({ dataBytes, seed: i, blockBytes: 65_536 }))
  const streamed = sizes.map((dataBytes, i) => makeChunk({ dataBytes, seed: 100 + i, labelBytes: i * 900 }))
  const all = [...chunks, ...streamed]
  {
    await using disk = await openTestDisk({ directory })
    await Promise.all(chunks.map((c) => put(disk, c)))
    await Promise.all(streamed.map((c, i) => stream(disk, c, [77_777, MIB, 1000][i % 3]!)))
    for (const chunk of all) t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    for (const chunk of all) t.same(await disk.verify(chunk.id), chunk.trailer.chunkHash)
    t.equal((await disk.stat()).chunkCount, all.length)
  }
  await using disk = await openTestDisk({ directory })
  for (const chunk of all) t.ok((await readAll(disk, chunk)).equals(chunk.payload))
  for (const chunk of all) t.same(await disk.verify(chunk.id), chunk.trailer.chunkHash)
  const { chunkCount, storedBytes, writable, diskFormat } = await disk.stat()
  t.same({ chunkCount, writable, diskFormat }, { chunkCount: all.length, writable: true, diskFormat: 1 })
  t.equal(storedBytes, sum(all.map((c) => c.payload.length)))
  t.same(await listAll(disk), all.map((c) => c.id.toString('hex')).sort())
})

t.test('describe: header and trailer of small and large chunks as they were written, and no others', async (t) => {
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t) })
  for (const [seed, dataBytes] of [10, 5000, 700_000].entries()) {
    const chunk = makeChunk({ dataBytes, seed, labelBytes: seed * 9000, sealBytes: seed * 50 })
    await put(disk, chunk)
    const { header, trailer } = await disk.describe(chunk.id)
    t.same(header, chunk.header)
    const { partBytes, chunkHash, seal } = trailer
    t.same({ partBytes, chunkHash, seal }, chunk.trailer)
  }
  await t.rejects(disk.describe(makeChunk({ dataBytes: 1, seed: 9 }).id), refused('not-found'))
})

t.test('a chunk streamed in odd pieces is read back in odd ranges', async (t) => {
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t) })
  const chunk = makeChunk({ dataBytes: 2 * MIB + 77, seed: 1, blockBytes: 65_536 })
  await using sink = await disk.create(chunk.header)
  const pieces = [1, 3, 65_536, 0, 65_541, MIB + 1, 4095]
  for (let done = 0, i = 0; done < chunk.payload.length; i++) {
    const piece = chunk.payload.subarray(done, done + pieces[i % pieces.length]!)
    await sink.write(piece)
    done += piece.length
  }
  await t.rejects(disk.read(chunk.id, 0, 1), refused('not-found'), 'nothing can be read before the commit')
  await sink.commit(chunk.trailer)
  for (const [offset, length] of [
    [0, 1],
    [4095, 2],
    [MIB - 1, MIB],
    [chunk.payload.length - 5, 5],
  ] as const) {
    t.ok((await disk.read(chunk.id, offset, length)).equals(chunk.payload.subarray(offset, offset + length)))
  }
  t.same(await disk.verify(chunk.id), chunk.trailer.chunkHash)
})

t.test('list: by session, by age, by both, in batches', async (t) => {
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t), listBatchRows: 3 })
  const large = makeChunk({ dataBytes: 300_000, seed: 5, session: 0xffff_fffe, timeMs: 3_000_000 })
  const small = Array.from({ length: 10 }, (_, seed) =>
    makeChunk({ dataBytes: 10, seed, session: seed % 2 === 0 ? 8 : 0xffff_fffe, timeMs: seed * 1_000_000 }),
  )
  const all = [...small, large]
  await Promise.all(all.map((c) => put(disk, c)))
  const names = (chunks: typeof all) => chunks.map((c) => c.id.toString('hex')).sort()
  const odd = [...small.filter((_, i) => i % 2 === 1), large]
  t.same(await listAll(disk), names(all))
  t.same(await listAll(disk, { session: 0xffff_fffe }), names(odd))
  t.same(await listAll(disk, { session: 9 }), [])
  // The builder adds the seed to the time.
  const young = 5_000_005
  t.same(await listAll(disk, { createdBeforeMs: young }), names([...small.slice(0, 5), large]))
  t.same(await listAll(disk, { createdBeforeMs: young + 1 }), names([...small.slice(0, 6), large]))
  t.same(await listAll(disk, { session: 8, createdBeforeMs: young }), names([small[0]!, small[2]!, small[4]!]))
  const rows = []
  for await (const batch of disk.list({})) {
    t.ok(batch.length <= 3, 'a batch is bounded')
    rows.push(...batch)
  }
  const bytes = new Map(rows.map((row) => [row.chunkId.toString('hex'), row.payloadBytes]))
  for (const { id, payload } of all) t.equal(bytes.get(id.toString('hex')), payload.length)
})

t.test('delete: counts what was there, frees it, and is not undone by a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunks = [100, 300_000, 200, 400_000].map((dataBytes, seed) => makeChunk({ dataBytes, seed }))
  const [small, large, otherSmall, otherLarge] = chunks as [
    (typeof chunks)[0],
    (typeof chunks)[0],
    (typeof chunks)[0],
    (typeof chunks)[0],
  ]
  {
    await using disk = await openTestDisk({ directory })
    await Promise.all(chunks.map((c) => put(disk, c)))
    t.equal(await disk.delete([]), 0)
    const unknown = makeChunk({ dataBytes: 1, seed: 99 }).id
    t.equal(await disk.delete([small.id, large.id, small.id, unknown]), 2, 'a repeated and an unknown id do not count')
    t.equal(await disk.delete([small.id, large.id]), 0)
  }
  {
    await using disk = await openTestDisk({ directory })
    for (const { id } of [small, large]) {
      await t.rejects(disk.read(id, 0, 1), refused('not-found'))
      await t.rejects(disk.verify(id), refused('not-found'))
    }
    const { chunkCount, storedBytes } = await disk.stat()
    t.same(
      { chunkCount, storedBytes },
      { chunkCount: 2, storedBytes: otherSmall.payload.length + otherLarge.payload.length },
    )
    for (const chunk of [otherSmall, otherLarge]) t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    const files = await readdir(join(directory, 'chunks'), { recursive: true })
    t.equal(files.filter((name) => name.includes('/')).length, 1, 'the file of a large chunk is gone')
    const again = otherBytes(small, { dataBytes: 50, seed: 7 })
    await put(disk, again)
    t.ok((await readAll(disk, again)).equals(again.payload), 'a deleted id may be put again, with other bytes')
  }
})

t.test('put: the same chunk again succeeds, another one of the same id is invalid, and the first stays', async (t) => {
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t) })
  for (const [seed, dataBytes] of [5000, 600_000].entries()) {
    const chunk = makeChunk({ dataBytes, seed })
    await put(disk, chunk)
    await put(disk, chunk)
    await stream(disk, chunk, 100_000)
    for (const otherSize of [5000, 600_000]) {
      const other = otherBytes(chunk, { dataBytes: otherSize, seed })
      await t.rejects(put(disk, other), refused('invalid'))
      await t.rejects(stream(disk, other, 100_000), refused('invalid'))
    }
    t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    t.equal((await disk.stat()).chunkCount, seed + 1)
  }
})

t.test('put: of puts of one id at the same time, equal ones all succeed, of different ones one does', async (t) => {
  const directory = await temporaryDirectory(t)
  await using disk = await openTestDisk({ directory })
  for (const [seed, dataBytes] of [3000, 500_000].entries()) {
    const chunk = makeChunk({ dataBytes, seed })
    await Promise.all([put(disk, chunk), stream(disk, chunk, 99_999), put(disk, chunk), stream(disk, chunk, 70_000)])
    const first = makeChunk({ dataBytes, seed: seed + 10 })
    const second = otherBytes(first, { dataBytes: dataBytes + 1, seed })
    const outcomes = await Promise.allSettled([put(disk, first), stream(disk, second, 99_999)])
    const rejected = outcomes.filter((o) => o.status === 'rejected')
    t.match(
      rejected.map((o) => o.reason),
      [{ failure: 'invalid' }],
    )
    const winner = outcomes[0]!.status === 'fulfilled' ? first : second
    t.ok((await readAll(disk, winner)).equals(winner.payload))
    t.same(await disk.verify(chunk.id), chunk.trailer.chunkHash)
    t.equal((await disk.stat()).chunkCount, 2 * (seed + 1))
  }
  t.same(await readdir(join(directory, 'tmp')), [])
})

t.test('put: a damaged payload or a wrong chunk hash is corrupt, and nothing is stored', async (t) => {
  const directory = await temporaryDirectory(t)
  await using disk = await openTestDisk({ directory })
  for (const [seed, dataBytes] of [9000, 3 * MIB].entries()) {
    const chunk = makeChunk({ dataBytes, seed })
    const payload = Buffer.from(chunk.payload)
    payload[payload.length - 6]! ^= 1
    const chunkHash = Buffer.from(chunk.trailer.chunkHash)
    chunkHash[31]! ^= 1
    const bad = [
      { ...chunk, payload },
      { ...chunk, payload: chunk.payload.subarray(0, -1) },
      { ...chunk, trailer: { ...chunk.trailer, chunkHash } },
    ]
    for (const one of bad) {
      await t.rejects(put(disk, one), refused('corrupt'))
      await t.rejects(stream(disk, one, 100_000), refused('corrupt'))
    }
    await t.rejects(disk.read(chunk.id, 0, 1), refused('not-found'))
    t.same(await readdir(join(directory, 'tmp')), [])
    t.equal((await disk.stat()).chunkCount, 0)
  }
})

t.test('create: a chunk that is given up leaves nothing', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunk = makeChunk({ dataBytes: 3 * MIB, seed: 0 })
  const disk = await openTestDisk({ directory })
  {
    await using sink = await disk.create(chunk.header)
    await sink.write(chunk.payload)
    await t.rejects(disk.read(chunk.id, 0, 1), refused('not-found'))
  }
  t.same(await readdir(join(directory, 'tmp')), [], 'disposed before its commit')
  const sink = await disk.create(chunk.header)
  await sink.write(chunk.payload)
  await disk[Symbol.asyncDispose]()
  t.same(await readdir(join(directory, 'tmp')), [], 'under way when the store was closed')
  t.throws(() => sink.write(chunk.payload), refused('aborted'))
  await t.rejects(disk.read(chunk.id, 0, 1), refused('failed'), 'a closed store refuses')
  await using again = await openTestDisk({ directory })
  t.equal((await again.stat()).chunkCount, 0)
})

t.test('read: beyond the end, too much, or by an id that is none: invalid; unknown: not-found', async (t) => {
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t) })
  for (const [seed, dataBytes] of [100, 2 * MIB].entries()) {
    const chunk = makeChunk({ dataBytes, seed })
    await put(disk, chunk)
    const { length } = chunk.payload
    t.equal((await disk.read(chunk.id, length, 0)).length, 0)
    for (const [offset, count] of [
      [0, length + 1],
      [length - 1, 2],
      [length, 1],
      [-1, 1],
      [0, -1],
      [0.5, 1],
    ] as const) {
      await t.rejects(disk.read(chunk.id, offset, count), refused('invalid'))
    }
    await t.rejects(disk.read(chunk.id, 0, MIB + 1), refused('invalid'))
    await t.rejects(disk.read(chunk.id.subarray(1), 0, 1), refused('invalid'))
  }
  const unknown = makeChunk({ dataBytes: 1, seed: 9 })
  await t.rejects(disk.read(unknown.id, 0, 1), refused('not-found'))
  await t.rejects(disk.verify(unknown.id), refused('not-found'))
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
