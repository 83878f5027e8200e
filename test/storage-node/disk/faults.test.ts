import { cp, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { isEver } from '../../support/until.ts'
import { makeChunk, openTestDisk, put, readAll, refused, stream, type TestChunk, temporaryDirectory } from './chunks.ts'
import { FaultyFs, HandClock, type PlannedFault } from './faulty-fs.ts'

const MIB = 1024 * 1024
const PROBE_MS = 5000

async function openFaulty(t: Test) {
  const directory = await temporaryDirectory(t)
  const faulty = new FaultyFs()
  const clock = new HandClock()
  const reopen = () => openTestDisk({ directory, probeIntervalMs: PROBE_MS }, { fs: faulty.fs, clock })
  return { directory, faulty, clock, reopen, disk: await reopen() }
}
type Disk = Awaited<ReturnType<typeof openTestDisk>>

/** A probe is under way: real files, so it takes real time, on a busy disk seconds. */
const untilWritable = (disk: Disk) => isEver(async () => (await disk.stat()).writable)

async function checkGone(t: Test, disk: Disk, chunks: readonly TestChunk[]): Promise<void> {
  for (const { id } of chunks) await t.rejects(disk.read(id, 0, 1), refused('not-found'))
}

const small = Array.from({ length: 9 }, (_, seed) => makeChunk({ dataBytes: 2000, seed }))
const [first, later, ...waiting] = small as [TestChunk, TestChunk, ...TestChunk[]]
const refusal = { EIO: 'failed', ENOSPC: 'no-space' } as const

const segmentFaults: PlannedFault[] = [
  { on: 'dataSync', code: 'EIO', within: 'segments', times: 1 },
  { on: 'write', code: 'EIO', within: 'segments', times: 1 },
]
for (const plan of segmentFaults) {
  t.test(
    `${plan.code} of a segment's ${plan.on}: waiting puts fail; puts are refused until a probe succeeds`,
    async (t) => {
      const { directory, faulty, clock, reopen, disk } = await openFaulty(t)
      await put(disk, first)
      faulty.plan = { ...plan }
      const outcomes = await Promise.allSettled(waiting.map((c) => put(disk, c)))
      for (const outcome of outcomes) t.match(outcome, { status: 'rejected', reason: { failure: refusal[plan.code] } })
      t.equal(faulty.plan.times, 0)

      t.equal((await disk.stat()).writable, false)
      await t.rejects(put(disk, later), refused('failed'))
      await t.rejects(disk.create(later.header), refused('failed'))
      t.ok((await readAll(disk, first)).equals(first.payload), 'what is there can be read')
      await checkGone(t, disk, waiting)
      await checkKilled(t, directory)

      clock.advance(PROBE_MS - 1)
      await sleep(20)
      t.equal((await disk.stat()).writable, false, 'the probe is not due')
      clock.advance(1)
      t.ok(await untilWritable(disk))
      await put(disk, later)
      await put(disk, waiting[0]!)
      await disk[Symbol.asyncDispose]()

      await using again = await reopen()
      for (const chunk of [first, later, waiting[0]!]) t.ok((await readAll(again, chunk)).equals(chunk.payload))
      await checkGone(t, again, waiting.slice(1))
    },
  )
}

/** Were the process killed before it wrote hints: what was refused does not come back, though all of it was written. */
async function checkKilled(t: Test, directory: string): Promise<void> {
  const killed = `${directory}-killed`
  await cp(directory, killed, { recursive: true })
  const names = await readdir(join(killed, 'segments'))
  for (const name of names) if (name.endsWith('.idx')) await rm(join(killed, 'segments', name))
  await using disk = await openTestDisk({ directory: killed })
  t.ok((await readAll(disk, first)).equals(first.payload))
  await checkGone(t, disk, waiting)
}

t.test('a probe that fails is tried again after the next interval', async (t) => {
  const { directory, faulty, clock, disk: opened } = await openFaulty(t)
  await using disk = opened
  await put(disk, first)
  faulty.plan = { on: 'dataSync', code: 'EIO', within: '', times: 2 }
  await t.rejects(put(disk, later), refused('failed'))
  faulty.plan = { on: 'dataSync', code: 'EIO', within: 'tmp', times: 1 }
  clock.advance(PROBE_MS)
  t.ok(await isEver(() => clock.timers > 0), 'the next one waits for its time')
  t.equal((await disk.stat()).writable, false)
  t.equal(faulty.plan.times, 0, 'a probe was made')
  clock.advance(PROBE_MS)
  t.ok(await untilWritable(disk))
  await put(disk, later)
  t.same(await readdir(join(directory, 'tmp')), [], 'probes leave nothing')
})

for (const on of ['write', 'dataSync'] as const) {
  t.test(
    `ENOSPC of a segment's ${on}: that put is refused, the next one works as soon as there is space`,
    async (t) => {
      const { faulty, clock, reopen, disk } = await openFaulty(t)
      await put(disk, first)
      faulty.plan = { on, code: 'ENOSPC', within: 'segments', times: 1 }
      await t.rejects(put(disk, later), refused('no-space'))
      await checkGone(t, disk, [later])
      await put(disk, later)
      faulty.space = { capacityBytes: 1e9, availableBytes: 1000 }
      clock.advance(1001) // until then the last look at the free space counts
      await disk.stat()
      await t.rejects(put(disk, waiting[0]!), refused('no-space'))
      faulty.space = undefined
      clock.advance(1001)
      await put(disk, waiting[0]!)
      await disk[Symbol.asyncDispose]()
      await using again = await reopen()
      t.equal((await again.stat()).chunkCount, 3)
    },
  )
}

t.test('a disk with less than twice the reserve says that it is full, and puts leave the reserve', async (t) => {
  const faulty = new FaultyFs()
  const clock = new HandClock()
  faulty.space = { capacityBytes: 1e9, availableBytes: 1_999_999 }
  const options = { directory: await temporaryDirectory(t), reserveBytes: 1e6 }
  await using disk = await openTestDisk(options, { fs: faulty.fs, clock })
  t.match(await disk.stat(), { availableBytes: 0, writable: true })
  await put(disk, first)
  faulty.space = { capacityBytes: 1e9, availableBytes: 1_001_000 }
  await disk.stat()
  await t.rejects(put(disk, later), refused('no-space'))
  t.equal(await disk.delete([first.id]), 1, 'the reserve is for deletes')
  faulty.space = { capacityBytes: 1e9, availableBytes: 2_000_001 }
  t.match(await disk.stat(), { availableBytes: 1, writable: true })
})

const fileFaults: PlannedFault[] = [
  { on: 'dataSync', code: 'EIO', within: 'tmp', times: 1 },
  { on: 'dataSync', code: 'ENOSPC', within: 'tmp', times: 1 },
  { on: 'write', code: 'EIO', within: 'tmp', times: 1 },
  { on: 'write', code: 'ENOSPC', within: 'tmp', times: 1 },
  { on: 'rename', code: 'EIO', within: 'chunks', times: 1 },
  { on: 'syncDirectory', code: 'EIO', within: 'chunks', times: 1 },
]
for (const plan of fileFaults) {
  t.test(`${plan.code} of a large chunk's ${plan.on}: the put fails and leaves nothing; later it works`, async (t) => {
    const { directory, faulty, clock, disk: opened } = await openFaulty(t)
    await using disk = opened
    const chunk = makeChunk({ dataBytes: 2 * MIB, seed: 1 })
    faulty.plan = { ...plan }
    await t.rejects(stream(disk, chunk, 500_000), refused(refusal[plan.code]))
    t.equal(faulty.plan.times, 0)
    await checkGone(t, disk, [chunk])
    t.same(await readdir(join(directory, 'tmp')), [])
    const isBroken = plan.code === 'EIO' || plan.on === 'dataSync'
    t.equal((await disk.stat()).writable, !isBroken)
    clock.advance(PROBE_MS)
    t.ok(await untilWritable(disk))
    await put(disk, chunk)
    t.ok((await readAll(disk, chunk)).equals(chunk.payload))
  })
}

t.test('verify finds every flipped bit of a stored chunk, also when its file is open already', async (t) => {
  const { directory, disk: opened } = await openFaulty(t)
  await using disk = opened
  for (const [seed, dataBytes] of [10_000, 700_000].entries()) {
    const chunk = makeChunk({ dataBytes, seed })
    await put(disk, chunk)
    await disk.verify(chunk.id)
    const path = seed === 0 ? join(directory, 'segments', '0000000001.seg') : await largeFile(directory)
    await using file = await open(path, 'r+')
    const bytes = await file.readFile()
    const payloadAt = bytes.indexOf(chunk.payload)
    const trailerBytes = 60 + chunk.trailer.seal.length + 8
    const payloadEnd = payloadAt + chunk.payload.length
    const trailerAt = seed === 0 ? payloadEnd : bytes.length - trailerBytes
    const places = [
      payloadAt - 1, // the header's checksum
      payloadAt - 10, // the label
      payloadAt,
      payloadAt + 4097, // the first block's checksum
      payloadEnd - 1,
      trailerAt,
      trailerAt + 30, // the chunk hash
      trailerAt + 70, // the seal
      trailerAt + trailerBytes - 1,
    ]
    for (const place of places) {
      await file.write(Buffer.of(bytes[place]! ^ 0x10), 0, 1, place)
      await t.rejects(disk.verify(chunk.id), refused('corrupt'), `${dataBytes} bytes, flipped at ${place}`)
      await t.rejects(put(disk, chunk), refused('corrupt'), 'nor is it taken for the chunk when that is put again')
      await file.write(bytes, place, 1, place)
      t.same(await disk.verify(chunk.id), chunk.trailer.chunkHash)
      await put(disk, chunk)
    }
  }
})

async function largeFile(directory: string): Promise<string> {
  const names = await readdir(join(directory, 'chunks'), { recursive: true })
  return join(directory, 'chunks', names.find((name) => name.includes('/'))!)
}

t.test('temporary files that a failing disk kept go with the next heartbeat; those in use stay', async (t) => {
  const { directory, faulty, disk } = await openFaulty(t)
  const large = [20, 21].map((seed) => makeChunk({ dataBytes: 3 * MIB, seed })) as [TestChunk, TestChunk]
  const temporary = () => readdir(join(directory, 'tmp'))
  const begin = async ({ header, payload }: TestChunk) => {
    const sink = await disk.create(header)
    await sink.write(payload.subarray(0, 2 * MIB))
    return sink
  }
  const kept = await begin(large[0])
  const givenUp = await begin(large[1])
  t.ok(await isEver(async () => (await temporary()).length === 2))
  faulty.plan = { on: 'unlink', code: 'EIO', within: 'tmp', times: 1 }
  await givenUp[Symbol.asyncDispose]()
  t.equal((await temporary()).length, 2, 'it could not be removed')
  await disk.noteBeats(1)
  t.equal((await temporary()).length, 1, 'it is swept, the other one is being written')
  await kept.write(large[0].payload.subarray(2 * MIB))
  await kept.commit(large[0].trailer)
  t.ok((await readAll(disk, large[0])).equals(large[0].payload))
  t.same(await temporary(), [])
  faulty.plan = { on: 'rename', code: 'EIO', within: 'beats', times: 1 }
  await t.rejects(disk.noteBeats(2))
  t.same(await temporary(), [], 'what could not be renamed is removed')
  await disk[Symbol.asyncDispose]()
})
