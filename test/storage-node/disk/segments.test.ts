import { appendFile, cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
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
  type TestChunk,
  temporaryDirectory,
} from './chunks.ts'

const SEGMENT_HEADER_BYTES = 64
const RECORD_HEADER_BYTES = 52
/** Nothing is rewritten unless a test is about that. */
const still = { segmentBytesMax: 8192, compaction: { liveFractionMin: 0 } }
const eager = { segmentBytesMax: 8192, compaction: { liveFractionMin: 0.7, bytesPerSecond: 1e12 } }

function makeChunks(count: number, dataBytes = 1000): TestChunk[] {
  return Array.from({ length: count }, (_, seed) => makeChunk({ dataBytes, seed }))
}

async function segmentFiles(directory: string, kind: 'seg' | 'idx'): Promise<string[]> {
  const names = await readdir(join(directory, 'segments'))
  return names
    .filter((name) => name.endsWith(`.${kind}`))
    .sort()
    .map((name) => join(directory, 'segments', name))
}

/** Opens, puts one after the other, closes. */
async function fill(options: Parameters<typeof openTestDisk>[0], chunks: readonly TestChunk[]): Promise<void> {
  await using disk = await openTestDisk(options)
  for (const chunk of chunks) await put(disk, chunk)
}

type Disk = Awaited<ReturnType<typeof openTestDisk>>

async function checkThere(t: Tap, disk: Disk, chunks: readonly TestChunk[]): Promise<void> {
  for (const chunk of chunks) {
    t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    t.same(await disk.verify(chunk.id), chunk.trailer.chunkHash)
  }
}
type Tap = Pick<typeof t, 'ok' | 'same' | 'rejects'>

async function checkGone(t: Tap, disk: Disk, chunks: readonly TestChunk[]): Promise<void> {
  for (const { id } of chunks) await t.rejects(disk.read(id, 0, 1), refused('not-found'))
}

t.test('a segment is closed when it is long enough, gets hints, and appending goes on in the last one', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunks = makeChunks(31)
  await fill({ directory, ...still }, chunks.slice(0, 30))
  const files = await segmentFiles(directory, 'seg')
  t.equal(files.length, 5)
  for (const file of files.slice(0, -1)) {
    const { size } = await stat(file)
    t.ok(size >= 8192 && size < 8192 + 1500, `closed at ${size} bytes`)
  }
  const hinted = files.slice(0, -1).map((file) => file.replace('.seg', '.idx'))
  t.same(await segmentFiles(directory, 'idx'), hinted)
  const before = (await stat(files.at(-1)!)).size
  await fill({ directory, ...still }, chunks.slice(30))
  t.same(await segmentFiles(directory, 'seg'), files, 'the last segment is gone on with')
  t.ok((await stat(files.at(-1)!)).size > before)
  await using disk = await openTestDisk({ directory, ...still })
  await checkThere(t, disk, chunks)
})

t.test(
  'zeros lie ahead of small batches, no more than these took; a clean stop or the next start cuts them',
  async (t) => {
    const directory = await temporaryDirectory(t)
    const chunks = makeChunks(5)
    const recordBytes = (chunk: TestChunk) =>
      RECORD_HEADER_BYTES + 40 + chunk.header.label.length + chunk.payload.length + 68 + chunk.trailer.seal.length
    let end = SEGMENT_HEADER_BYTES
    const disk = await openTestDisk({ directory, compaction: still.compaction })
    const sizes = new Set<number>()
    for (const chunk of chunks) {
      await put(disk, chunk)
      end += recordBytes(chunk)
      const bytes = await readFile((await segmentFiles(directory, 'seg'))[0]!)
      t.ok(bytes.length > end && bytes.length <= 2 * end + 4096, `${bytes.length} bytes, ${end} of them records`)
      t.ok(bytes.subarray(end).every((byte) => byte === 0))
      sizes.add(bytes.length)
    }
    t.ok(sizes.size < chunks.length, 'some batches were written into zeros')
    const killed = `${directory}-killed`
    await cp(directory, killed, { recursive: true })
    await disk[Symbol.asyncDispose]()
    for (const stopped of [directory, killed]) {
      await using again = await openTestDisk({ directory: stopped, ...still })
      t.equal((await stat((await segmentFiles(stopped, 'seg'))[0]!)).size, end)
      await checkThere(t, again, chunks)
    }
  },
)

t.test(
  'long payloads are written from where they lie, between short ones, and large batches get no zeros',
  async (t) => {
    const directory = await temporaryDirectory(t)
    const chunks = [300, 200_000, 20_000, 17, 16_384, 90_000].map((dataBytes, seed) => makeChunk({ dataBytes, seed }))
    {
      await using disk = await openTestDisk({ directory })
      await Promise.all(chunks.map((chunk) => put(disk, chunk)))
      const [file] = (await segmentFiles(directory, 'seg')) as [string]
      const bytes = await readFile(file)
      t.ok(bytes.at(-1) !== 0 || bytes.at(-2) !== 0, 'the file ends with a checksum')
      await checkThere(t, disk, chunks)
      await put(disk, makeChunk({ dataBytes: 10, seed: 99 }))
      t.ok((await stat(file)).size < bytes.length + 3 * 4096, 'a small batch behind it gets few')
    }
    await using disk = await openTestDisk({ directory })
    await checkThere(t, disk, chunks)
  },
)

t.test('garbage behind the last record is cut off, and nothing else', async (t) => {
  const chunks = makeChunks(4)
  const garbage = [Buffer.alloc(5000), makeChunk({ dataBytes: 3000, seed: 77 }).payload]
  for (const bytes of garbage) {
    const directory = await temporaryDirectory(t)
    await fill({ directory, ...still }, chunks.slice(0, 3))
    const [file] = (await segmentFiles(directory, 'seg')) as [string]
    const whole = await readFile(file)
    await appendFile(file, bytes)
    // The beginning of a real record, as a torn write leaves it.
    await appendFile(file, whole.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 400))
    {
      await using disk = await openTestDisk({ directory, ...still })
      t.ok((await readFile(file)).equals(whole))
      await checkThere(t, disk, chunks.slice(0, 3))
      await put(disk, chunks[3]!)
    }
    await using disk = await openTestDisk({ directory, ...still })
    await checkThere(t, disk, chunks)
    t.equal((await segmentFiles(directory, 'seg')).length, 1, 'appending went on behind the cut')
  }
})

t.test('a last record that is cut short anywhere is gone wholly, and can be put again', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunks = makeChunks(3)
  await fill({ directory, ...still }, chunks)
  const [file] = (await segmentFiles(directory, 'seg')) as [string]
  const whole = await readFile(file)
  const last = chunks[2]!
  const payloadAt = whole.indexOf(last.payload)
  const recordAt = payloadAt - RECORD_HEADER_BYTES - 40 - last.header.label.length
  t.equal(whole.toString('latin1', recordAt, recordAt + 4), 'sxcr', 'the last record begins here')
  const cuts = [recordAt + 1, recordAt + RECORD_HEADER_BYTES, payloadAt + 500, whole.length - 1]
  for (const cut of cuts) {
    await writeFile(file, whole.subarray(0, cut))
    await using disk = await openTestDisk({ directory, ...still })
    t.equal((await stat(file)).size, recordAt, `cut at ${cut}`)
    await checkThere(t, disk, chunks.slice(0, 2))
    await checkGone(t, disk, [last])
    await put(disk, last)
    await checkThere(t, disk, chunks)
  }
})

t.test('a damaged record in a closed segment without hints is lost alone; one with a bad block is kept', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunks = makeChunks(20)
  await fill({ directory, ...still }, chunks)
  const [file] = (await segmentFiles(directory, 'seg')) as [string]
  const [lost, torn, rotten] = chunks.slice(1, 4) as [TestChunk, TestChunk, TestChunk]
  const bytes = await readFile(file)
  bytes[bytes.indexOf(lost.payload) - lost.header.label.length - 40 - 20]! ^= 1 // its record header
  bytes[bytes.indexOf(torn.payload) + torn.payload.length + 30]! ^= 1 // its trailer
  bytes[bytes.indexOf(rotten.payload) + 500]! ^= 1
  await writeFile(file, bytes)
  for (const hints of await segmentFiles(directory, 'idx')) await rm(hints)
  const others = chunks.filter((c) => ![lost, torn, rotten].includes(c))
  // The second time by the hints that the first one has made.
  for (const _ of ['scanned', 'hinted']) {
    await using disk = await openTestDisk({ directory, ...still })
    t.equal((await disk.stat()).chunkCount, 18)
    await checkThere(t, disk, others)
    await checkGone(t, disk, [lost, torn])
    await t.rejects(disk.verify(rotten.id), refused('corrupt'))
    t.equal((await readAll(disk, rotten)).length, rotten.payload.length, 'its other blocks can be read')
  }
  await using disk = await openTestDisk({ directory, ...still })
  await put(disk, lost)
  await checkThere(t, disk, [...others, lost])
})

t.test('a segment whose header is damaged takes only its own chunks along', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunks = makeChunks(20)
  await fill({ directory, ...still }, chunks)
  const [first] = (await segmentFiles(directory, 'seg')) as [string]
  const bytes = await readFile(first)
  const inFirst = chunks.filter((c) => bytes.includes(c.payload))
  await writeFile(first, bytes.fill(0, 0, 1))
  for (const hints of await segmentFiles(directory, 'idx')) await rm(hints)
  await using disk = await openTestDisk({ directory, ...still })
  await checkGone(t, disk, inFirst)
  await checkThere(t, disk, chunks.slice(inFirst.length))
})

t.test('compaction frees what deleted chunks took, and keeps the others, also over a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  const chunks = makeChunks(60)
  const kept = chunks.filter((_, i) => i % 4 === 0)
  const gone = chunks.filter((_, i) => i % 4 !== 0)
  const bytesOnDisk = async () => {
    const sizes = await Promise.all((await segmentFiles(directory, 'seg')).map((file) => stat(file)))
    return sizes.reduce((sum, { size }) => sum + size, 0)
  }
  {
    await using disk = await openTestDisk({ directory, ...eager })
    for (const chunk of chunks) await put(disk, chunk)
    const before = await bytesOnDisk()
    await disk.delete(gone.map((c) => c.id))
    await disk.compacted()
    t.ok((await bytesOnDisk()) < before / 2, 'at least half of it is free')
    await checkThere(t, disk, kept)
    await checkGone(t, disk, gone)
  }
  for (const hints of await segmentFiles(directory, 'idx')) await rm(hints)
  await using disk = await openTestDisk({ directory, ...eager })
  t.same(await listAll(disk), kept.map((c) => c.id.toString('hex')).sort())
  await checkThere(t, disk, kept)
  t.equal(
    (await disk.stat()).storedBytes,
    kept.reduce((sum, c) => sum + c.payload.length, 0),
  )
  await disk.delete(kept.map((c) => c.id))
  await disk.compacted()
  t.ok((await bytesOnDisk()) < 2 * 8192 + 2000, 'an empty store has next to nothing')
})

t.test(
  'a delete outlives restarts and the compaction of its tombstone, as long as the chunk lies on the disk',
  async (t) => {
    const directory = await temporaryDirectory(t)
    const chunks = makeChunks(7) // they just close the first segment: the tombstone goes to the second
    const [victim] = chunks as [TestChunk]
    await fill({ directory, ...still }, chunks)
    const [first] = (await segmentFiles(directory, 'seg')) as [string]
    for (let round = 0; round < 2; round++) {
      await using disk = await openTestDisk({
        directory,
        ...eager,
        compaction: { liveFractionMin: 0.5, bytesPerSecond: 1e12 },
      })
      t.equal(await disk.delete([victim.id]), round === 0 ? 1 : 0)
      // Fills the segment of the tombstone, then empties it: only the tombstone in it is needed.
      const filler = Array.from({ length: 10 }, (_, i) => makeChunk({ dataBytes: 1000, seed: 1000 * (round + 1) + i }))
      for (const chunk of filler) await put(disk, chunk)
      await disk.delete(filler.map((c) => c.id))
      await disk.compacted()
      t.ok((await readFile(first)).includes(victim.payload), 'the deleted chunk still lies in the first segment')
      await checkGone(t, disk, [victim])
      await checkThere(t, disk, chunks.slice(1))
    }
    for (const hints of await segmentFiles(directory, 'idx')) await rm(hints)
    await using disk = await openTestDisk({ directory, ...still })
    await checkGone(t, disk, [victim])
    const again = otherBytes(victim, { dataBytes: 300, seed: 4 })
    await put(disk, again)
    await disk[Symbol.asyncDispose]()
    await using last = await openTestDisk({ directory, ...still })
    await checkThere(t, last, [again, ...chunks.slice(1)])
  },
)
