import t from 'tap'
import { listAll, makeChunk, openTestDisk, put, readAll, refused, temporaryDirectory } from './chunks.ts'
import { FaultyFs } from './faulty-fs.ts'

const SIZES = { small: 5_000, large: 600_000 }

for (const [name, dataBytes] of Object.entries(SIZES)) {
  t.test(`a delete that comes late spares what was written since: a ${name} chunk`, async (t) => {
    await using disk = await openTestDisk({ directory: await temporaryDirectory(t) })
    const [again, gone, later] = [1, 2, 3].map((seed) => makeChunk({ dataBytes, seed })) as [Chunk, Chunk, Chunk]
    await put(disk, again)
    await put(disk, gone)
    const { moment } = await disk.stat()
    await disk.delete([again.id])
    await put(disk, again)
    await put(disk, later)
    await t.rejects(disk.delete([again.id, gone.id, later.id], moment), refused('failed'))
    t.ok((await readAll(disk, again)).equals(again.payload))
    t.same(await listAll(disk), [again, later].map(({ id }) => id.toString('hex')).sort(), 'the other one is deleted')
    t.equal(await disk.delete([again.id, later.id], (await disk.stat()).moment), 2, 'as soon as somebody looks again')
    t.equal(await disk.delete([again.id], moment), 0, 'what is not there is deleted, whenever')
  })

  t.test(`a delete of before a restart deletes nothing: a ${name} chunk`, async (t) => {
    const directory = await temporaryDirectory(t)
    const chunk = makeChunk({ dataBytes, seed: 1 })
    const moment = await (async () => {
      await using disk = await openTestDisk({ directory })
      const before = (await disk.stat()).moment
      await put(disk, chunk)
      return before
    })()
    await using disk = await openTestDisk({ directory })
    await t.rejects(disk.delete([chunk.id], moment), refused('failed'))
    t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    t.equal(await disk.delete([chunk.id], (await disk.stat()).moment), 1, 'with a look since it does')
  })
}

t.test('chunks that come while a moment is told count as written since', async (t) => {
  const faulty = new FaultyFs()
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t) }, { fs: faulty.fs })
  const { promise, resolve: goOn } = Promise.withResolvers<void>()
  faulty.held = promise
  const chunks = Object.values(SIZES).map((dataBytes, seed) => makeChunk({ dataBytes, seed }))
  const writing = chunks.map((chunk) => put(disk, chunk))
  const { moment } = await disk.stat()
  t.same(await listAll(disk), [], 'none is there yet')
  goOn()
  await Promise.all(writing)
  await t.rejects(
    disk.delete(
      chunks.map(({ id }) => id),
      moment,
    ),
    refused('failed'),
  )
  t.equal((await disk.stat()).chunkCount, 2)
})

t.test('a moment that is none is refused', async (t) => {
  await using disk = await openTestDisk({ directory: await temporaryDirectory(t) })
  await t.rejects(disk.delete([], Buffer.alloc(3)), refused('invalid'))
})

type Chunk = ReturnType<typeof makeChunk>
