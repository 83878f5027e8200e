import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { isEver } from '../../support/until.ts'
import { makeChunk, openTestDisk, put, readAll, refused, stream, temporaryDirectory } from './chunks.ts'
import { HandClock } from './faulty-fs.ts'

/** What a node does when somebody deletes or moves its directories while it runs. */
const MIB = 1024 * 1024
const PROBE_MS = 5000
const large = Array.from({ length: 3 }, (_, seed) => makeChunk({ dataBytes: 2 * MIB, seed }))
const small = makeChunk({ dataBytes: 2000, seed: 9 })

for (const [what, isMadeAgain] of [
  ['deleted', false],
  ['deleted, and made again without what was in it', true],
] as const) {
  t.test(`the directory of large chunks is ${what}: it takes new ones, and deletes those that it had`, async (t) => {
    const directory = await temporaryDirectory(t)
    const [lost, again, fresh] = large as [(typeof large)[0], (typeof large)[0], (typeof large)[0]]
    {
      await using disk = await openTestDisk({ directory })
      for (const chunk of [lost, again]) await stream(disk, chunk, MIB)
      await put(disk, small)
      const chunks = join(directory, 'chunks')
      await rm(chunks, { recursive: true })
      if (isMadeAgain) await mkdir(chunks)
      await t.rejects(disk.verify(lost.id))
      await t.rejects(disk.verify(again.id))
      await stream(disk, fresh, MIB)
      await disk.delete([lost.id, again.id])
      t.equal(await disk.delete([lost.id, again.id]), 0, 'once is enough')
      await stream(disk, again, MIB)
      for (const chunk of [again, fresh, small]) t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    }
    await using disk = await openTestDisk({ directory })
    for (const chunk of [again, fresh, small]) t.ok((await readAll(disk, chunk)).equals(chunk.payload))
    await t.rejects(disk.read(lost.id, 0, 1), refused('not-found'))
  })
}

for (const gone of ['', 'node.json', 'segments', 'tmp']) {
  t.test(
    `${gone || 'all of its directory'} is not there: no put is taken to where nobody would find it, until it is back`,
    async (t) => {
      const directory = await temporaryDirectory(t)
      const clock = new HandClock()
      const options = { directory, probeIntervalMs: PROBE_MS }
      {
        await using disk = await openTestDisk(options, { clock })
        await put(disk, small)
        const [path, elsewhere] = [join(directory, gone), `${directory}-elsewhere`]
        await rename(path, elsewhere)
        t.equal((await disk.stat()).writable, false)
        const next = makeChunk({ dataBytes: 2000, seed: 10 })
        await t.rejects(put(disk, next), refused('failed'))
        clock.advance(PROBE_MS)
        await sleep(50)
        t.equal((await disk.stat()).writable, false, 'a probe changes nothing')
        if (gone === '') await t.rejects(readdir(directory), 'and makes nothing')
        await rename(elsewhere, path)
        // The probe before this one may still be under way.
        const isWell = async () => {
          clock.advance(PROBE_MS)
          return (await disk.stat()).writable
        }
        t.ok(await isEver(isWell), 'it takes puts again')
        await put(disk, next)
      }
      await using disk = await openTestDisk(options)
      t.ok((await readAll(disk, small)).equals(small.payload))
    },
  )
}

t.test('while it is written to, it finds out within a second', async (t) => {
  const directory = await temporaryDirectory(t)
  const clock = new HandClock()
  await using disk = await openTestDisk({ directory, probeIntervalMs: PROBE_MS }, { clock })
  await put(disk, small)
  await rename(directory, `${directory}-elsewhere`)
  clock.advance(1001)
  let seed = 20
  const isRefused = () =>
    put(disk, makeChunk({ dataBytes: 2000, seed: seed++ })).then(
      () => false,
      () => true,
    )
  t.ok(await isEver(isRefused))
  await rename(`${directory}-elsewhere`, directory)
})
