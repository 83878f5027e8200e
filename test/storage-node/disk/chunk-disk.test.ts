import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { listAll, makeChunk, openTestDisk, otherBytes, put, readAll, stream, temporaryDirectory } from './chunks.ts'

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
  t.equal(storedBytes, all.reduce((sum, c) => sum + c.payload.length, 0))
  t.same(await listAll(disk), all.map((c) => c.id.toString('hex')).sort())
})
