import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { listAll, makeChunk, openTestDisk, put, readAll, refused, temporaryDirectory } from './chunks.ts'

t.test('a second opener is refused in a sentence that names the directory, until the first has closed', async (t) => {
  const directory = await temporaryDirectory(t)
  const first = await openTestDisk({ directory })
  const message = `The directory ${directory} is in use by another storage node.`
  await t.rejects(openTestDisk({ directory }), { failure: 'failed', message })
  await first[Symbol.asyncDispose]()
  await using second = await openTestDisk({ directory })
  t.equal(second.serverId, first.serverId, 'a directory keeps its server id')
})

t.test('a directory of a newer format is refused, untouched and not kept locked', async (t) => {
  const directory = await temporaryDirectory(t)
  await (await openTestDisk({ directory }))[Symbol.asyncDispose]()
  const identity = join(directory, 'node.json')
  const text = await readFile(identity, 'utf8')
  const newer = JSON.stringify({ ...JSON.parse(text), diskFormat: 2 })
  await writeFile(identity, newer)
  await writeFile(join(directory, 'tmp', 'of-the-newer-version'), 'x')
  const message = `The directory ${directory} was written by a newer version (disk format 2; this one knows 1).`
  await t.rejects(openTestDisk({ directory }), { failure: 'failed', message })
  t.equal(await readFile(identity, 'utf8'), newer)
  t.same(await readdir(join(directory, 'tmp')), ['of-the-newer-version'])
  await writeFile(identity, text)
  await (await openTestDisk({ directory }))[Symbol.asyncDispose]()
})

t.test('a segment of a newer version is refused, and not cut as damage', async (t) => {
  const directory = await temporaryDirectory(t)
  await using first = await openTestDisk({ directory })
  await put(first, makeChunk({ dataBytes: 100, seed: 1 }))
  await first[Symbol.asyncDispose]()
  const [name] = (await readdir(join(directory, 'segments'))).filter((file) => file.endsWith('.seg'))
  const segment = join(directory, 'segments', name!)
  const bytes = await readFile(segment)
  const older = Buffer.from(bytes)
  bytes.writeUInt32LE(2, 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  await writeFile(segment, bytes)
  const message = `The segment ${segment} was written by a newer version: use that.`
  await t.rejects(openTestDisk({ directory }), { failure: 'failed', message })
  t.ok((await readFile(segment)).equals(bytes), 'untouched')
  await writeFile(segment, older)
  await using again = await openTestDisk({ directory })
  t.equal((await again.stat()).chunkCount, 1)
})

t.test('a directory whose node.json is lost or damaged is refused', async (t) => {
  const directory = await temporaryDirectory(t)
  await (await openTestDisk({ directory }))[Symbol.asyncDispose]()
  const identity = join(directory, 'node.json')
  await writeFile(identity, '{"serverId":')
  await t.rejects(openTestDisk({ directory }), { message: /^The file .*node\.json is damaged: / })
  await rm(identity)
  await t.rejects(openTestDisk({ directory }), {
    message: /^The directory .* holds chunks but its node\.json is missing: /,
  })
})

t.test('what a crash left in tmp is removed; a stranger among the chunks is left alone', async (t) => {
  const directory = await temporaryDirectory(t)
  await (await openTestDisk({ directory }))[Symbol.asyncDispose]()
  await writeFile(join(directory, 'tmp', '1'), 'half a chunk')
  await writeFile(join(directory, 'chunks', '00', 'lost+found'), 'x')
  await mkdir(join(directory, 'segments', 'stranger'))
  await using disk = await openTestDisk({ directory })
  t.same(await readdir(join(directory, 'tmp')), [])
  t.same(await readdir(join(directory, 'chunks', '00')), ['lost+found'])
  t.equal((await disk.stat()).chunkCount, 0)
})

t.test(
  'closed segments are replayed from their hints; missing or bad hints are made anew from the segment',
  async (t) => {
    const directory = await temporaryDirectory(t)
    const options = { directory, segmentBytesMax: 4096, compaction: { liveFractionMin: 0 } }
    const chunks = Array.from({ length: 24 }, (_, seed) => makeChunk({ dataBytes: 900, seed }))
    const gone = chunks.filter((_, i) => i % 6 === 1) // never all of a segment: that would be removed
    const kept = chunks.filter((_, i) => i % 6 !== 1)
    {
      await using disk = await openTestDisk(options)
      for (const chunk of chunks) await put(disk, chunk)
      await disk.delete(gone.map((c) => c.id))
      for (let seed = 100; seed < 104; seed++) await put(disk, makeChunk({ dataBytes: 900, seed, session: 1 }))
    }
    const segments = join(directory, 'segments')
    const names = (await readdir(segments)).filter((name) => name.endsWith('.idx')).sort()
    t.ok(names.length >= 4, 'several segments are closed')
    const readHints = () => Promise.all(names.map((name) => readFile(join(segments, name))))
    const hints = await readHints()

    const check = async () => {
      await using disk = await openTestDisk(options)
      t.same(await listAll(disk, { session: 7 }), kept.map((c) => c.id.toString('hex')).sort())
      for (const chunk of kept) t.ok((await readAll(disk, chunk)).equals(chunk.payload))
      for (const { id } of gone) await t.rejects(disk.read(id, 0, 1), refused('not-found'))
    }
    await check()
    const damages: ((name: string, bytes: Buffer) => Promise<void>)[] = [
      (name) => rm(join(segments, name)),
      (name, bytes) => writeFile(join(segments, name), Buffer.from(bytes).fill(0xff, 60, 61)),
      (name, bytes) => writeFile(join(segments, name), bytes.subarray(0, 20)),
      (name) => writeFile(join(segments, name), ''),
      (name) => writeFile(join(segments, name), hints[names.indexOf(name) === 0 ? 1 : 0]!),
    ]
    for (const damage of damages) {
      await Promise.all(names.map((name, i) => damage(name, hints[i]!)))
      await check()
      t.same(await readHints(), hints)
    }
  },
)

t.test('the hints alone tell what a closed segment holds: its records are not read at start-up', async (t) => {
  const directory = await temporaryDirectory(t)
  const options = { directory, segmentBytesMax: 4096 }
  const chunks = Array.from({ length: 12 }, (_, seed) => makeChunk({ dataBytes: 900, seed }))
  {
    await using disk = await openTestDisk(options)
    for (const chunk of chunks) await put(disk, chunk)
  }
  const path = join(directory, 'segments', '0000000001.seg')
  const bytes = await readFile(path)
  const at = bytes.indexOf(chunks[0]!.payload)
  await writeFile(path, bytes.fill(0, 64, at)) // the record's header and the chunk's
  await using disk = await openTestDisk(options)
  t.equal((await disk.stat()).chunkCount, chunks.length)
  t.ok((await readAll(disk, chunks[0]!)).equals(chunks[0]!.payload))
  await t.rejects(disk.verify(chunks[0]!.id), refused('corrupt'))
})
