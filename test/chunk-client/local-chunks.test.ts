import { rename, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { partIdFromBytes, type ServerNumber } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { type HostFile, type HostFiles, hostFiles } from '../../src/chunk-client/host-files.ts'
import { openLocalChunks } from '../../src/chunk-client/local-chunks.ts'
import { parseKey } from '../../src/chunk-files/chunk-key.ts'
import { chunkFilePath, diskPaths } from '../../src/chunk-files/paths.ts'
import type { StoredChunk } from '../../src/engine/ports/local-chunks.ts'
import {
  makeChunk,
  openTestDisk,
  put,
  refused,
  stream,
  type TestChunk,
  temporaryDirectory,
} from '../storage-node/disk/chunks.ts'
import { HandClock } from '../storage-node/disk/faulty-fs.ts'
import { HandView, NODE } from '../support/chunk-cluster.ts'
import { until } from '../support/until.ts'

const OTHER = 2 as ServerNumber
const chunks = [1, 2].map((seed) => makeChunk({ seed, dataBytes: 600_000, blockBytes: 65_536 })) as [
  TestChunk,
  TestChunk,
]

/** A server's directory with two large chunks, as it is registered, and the gateway's side on a clock of its own. */
async function start(t: Test, files: HostFiles = hostFiles) {
  const directory = await temporaryDirectory(t)
  const disk = await openTestDisk({ directory })
  t.teardown(() => disk[Symbol.asyncDispose]())
  await stream(disk, chunks[0], 65_540)
  await put(disk, chunks[1])
  const view = new HandView()
  view.set({ id: disk.serverId, grpcAddress: '', dataDirectory: directory })
  const clock = new HandClock()
  const counted = new CountedFiles(files)
  const local = openLocalChunks({ cluster: view, clock, log: silentLog, files: counted })
  t.teardown(() => local[Symbol.asyncDispose]())
  return { directory, disk, view, clock, files: counted, local }
}

/** Knows what is open. */
class CountedFiles implements HostFiles {
  opened = 0
  stillOpen = 0
  readonly #files: HostFiles
  constructor(files: HostFiles) {
    this.#files = files
  }
  async open(path: string): Promise<HostFile> {
    const file = await this.#files.open(path)
    this.opened += 1
    this.stillOpen += 1
    return {
      read: (targets, position) => file.read(targets, position),
      close: () => {
        this.stillOpen -= 1
        return file.close()
      },
    }
  }
}

function nameOf({ id, payload }: TestChunk): StoredChunk {
  return { partId: partIdFromBytes(id), index: id[16]!, payloadBytes: payload.length }
}

function fileOf(directory: string, { id, payload }: TestChunk): string {
  return chunkFilePath(diskPaths(directory), { key: parseKey(id), payloadBytes: payload.length })
}

type Local = ReturnType<typeof openLocalChunks>

/** `length` payload bytes from `offset` on, scattered over targets of odd lengths. */
async function readOf(local: Local, chunk: TestChunk, offset = 0, length = chunk.payload.length, server = NODE) {
  const targets: Buffer[] = []
  for (let left = length, n = 1; left > 0; n = (n * 7) % 100_003) {
    targets.push(Buffer.alloc(Math.min(left, n)))
    left -= targets.at(-1)!.length
  }
  await local.read(server, nameOf(chunk), { offset, targets })
  return Buffer.concat(targets)
}

const serverJson = (serverId: string) => JSON.stringify({ serverId, diskFormat: 1 })
const STRANGER = '00000000-0000-4000-8000-000000000000'

t.test('payload is read from the files of a proven directory, from any place, into any targets', async (t) => {
  const { local, files } = await start(t)
  for (const chunk of chunks) {
    t.ok(local.has(NODE, nameOf(chunk)))
    t.ok((await readOf(local, chunk)).equals(chunk.payload))
    t.ok((await readOf(local, chunk, 65_540, 65_540)).equals(chunk.payload.subarray(65_540, 2 * 65_540)))
    t.ok((await readOf(local, chunk, chunk.payload.length - 3, 3)).equals(chunk.payload.subarray(-3)))
  }
  t.equal(files.opened, 3, 'node.json and each chunk, once')
})

t.test('small chunks, servers that do not let us, and unknown ones are left to gRPC', async (t) => {
  const { disk, local, view } = await start(t)
  t.notOk(local.has(NODE, { ...nameOf(chunks[0]), payloadBytes: 256 * 1024 }))
  t.notOk(local.has(OTHER, nameOf(chunks[0])))
  await t.rejects(readOf(local, chunks[0], 0, 1, OTHER), refused('unreachable'))
  view.set({ id: disk.serverId, grpcAddress: '', dataDirectory: '' })
  t.notOk(local.has(NODE, nameOf(chunks[0])))
  await t.rejects(readOf(local, chunks[0], 0, 1), refused('unreachable'))
})

t.test('a directory that is not here is not looked at again for a while; then it may be', async (t) => {
  const { directory, local, clock, files } = await start(t)
  await rename(directory, `${directory}-away`)
  t.ok(local.has(NODE, nameOf(chunks[0])), 'nothing is known yet')
  await t.rejects(readOf(local, chunks[0]), refused('not-found'))
  t.notOk(local.has(NODE, nameOf(chunks[0])))
  await rename(`${directory}-away`, directory)
  await t.rejects(readOf(local, chunks[0]), refused('unreachable'))
  t.equal(files.opened, 0)
  clock.advance(30_000)
  t.ok(local.has(NODE, nameOf(chunks[0])))
  t.ok((await readOf(local, chunks[0])).equals(chunks[0].payload))
})

t.test('the directory of another server is never read, though it has the chunk', async (t) => {
  const { directory, local } = await start(t)
  await writeFile(join(directory, 'node.json'), serverJson(STRANGER))
  await t.rejects(readOf(local, chunks[0]), /server 00000000-0000-4000-8000-000000000000/)
  t.notOk(local.has(NODE, nameOf(chunks[0])))
})

t.test('a directory whose identity changes while it is read, is damaged, or of a newer format, is left', async (t) => {
  for (const text of [serverJson(STRANGER), '{"serverId": "', '{}', JSON.stringify({ diskFormat: 2 }), '']) {
    const { directory, local, clock, disk } = await start(t)
    await readOf(local, chunks[0])
    await writeFile(join(directory, 'node.json'), text)
    clock.advance(1_000)
    await t.rejects(readOf(local, chunks[1]), refused('failed'), text)
    t.notOk(local.has(NODE, nameOf(chunks[0])))
    await writeFile(join(directory, 'node.json'), serverJson(disk.serverId))
    clock.advance(30_000)
    t.ok((await readOf(local, chunks[1])).equals(chunks[1].payload), 'and read again when it is right')
  }
})

t.test('a deleted chunk: right under an open file, not-found after; other chunks are read on', async (t) => {
  const { directory, local, clock, files } = await start(t)
  await readOf(local, chunks[0])
  await unlink(fileOf(directory, chunks[0]))
  t.ok((await readOf(local, chunks[0])).equals(chunks[0].payload))
  t.equal(files.stillOpen, 1)
  clock.advance(10_000)
  t.equal(files.stillOpen, 1, 'was used since the last look')
  clock.advance(10_000)
  await until(() => files.stillOpen === 0)
  await t.rejects(readOf(local, chunks[0]), refused('not-found'))
  t.ok((await readOf(local, chunks[1])).equals(chunks[1].payload))
})

t.test('files that are cut short or have lost their header are corrupt', async (t) => {
  const { directory, local } = await start(t)
  await truncate(fileOf(directory, chunks[0]), 500_000)
  await t.rejects(readOf(local, chunks[0]), refused('corrupt'))
  t.ok((await readOf(local, chunks[0], 0, 65_540)).equals(chunks[0].payload.subarray(0, 65_540)))
  await writeFile(fileOf(directory, chunks[1]), Buffer.alloc(1_000_000))
  await t.rejects(readOf(local, chunks[1]), refused('corrupt'))
  t.ok(local.has(NODE, nameOf(chunks[1])))
})

t.test('files that must not be read: the directory is left alone for a while', async (t) => {
  const denied = Object.assign(new Error('permission denied'), { code: 'EACCES' })
  let isDenied = true
  const { local, clock } = await start(t, {
    open: async (path) => {
      if (isDenied && path.includes('/chunks/')) throw denied
      return await hostFiles.open(path)
    },
  })
  await t.rejects(readOf(local, chunks[0]), refused('failed'))
  t.notOk(local.has(NODE, nameOf(chunks[1])))
  isDenied = false
  clock.advance(30_000)
  t.ok((await readOf(local, chunks[0])).equals(chunks[0].payload))
})

t.test('a disk that hangs: two reads at most wait for it, and no more are begun until it is back', async (t) => {
  const gate = Promise.withResolvers<void>()
  let isHung = false
  let waiting = 0
  const { local, clock } = await start(t, {
    async open(path) {
      const file = await hostFiles.open(path)
      if (!path.includes('/chunks/')) return file
      const read = async (targets: readonly Buffer[], position: number) => {
        if (isHung) {
          waiting += 1
          await gate.promise
        }
        return await file.read(targets, position)
      }
      return { read, close: () => file.close() }
    },
  })
  await Promise.all(chunks.map((chunk) => readOf(local, chunk)))
  isHung = true
  const reads = [0, 1, 2, 3].map((n) => readOf(local, chunks[n % 2]!))
  await until(() => waiting === 2)
  t.ok(local.has(NODE, nameOf(chunks[0])))
  clock.advance(1_001)
  t.notOk(local.has(NODE, nameOf(chunks[0])))
  await t.rejects(readOf(local, chunks[0]), refused('unreachable'))
  t.equal(waiting, 2)
  gate.resolve()
  t.ok((await Promise.all(reads)).every((bytes, n) => bytes.equals(chunks[n % 2]!.payload)))
  t.ok(local.has(NODE, nameOf(chunks[0])))
})

t.test('a server that failed, or is silent: nothing stays open on its disk, and nothing is read there', async (t) => {
  const { directory, disk, local, view, files } = await start(t)
  const server = { id: disk.serverId, grpcAddress: '', dataDirectory: directory }
  for (const trouble of [{ status: 'failed' }, { isStale: true }] as const) {
    view.set(server)
    await readOf(local, chunks[0])
    const late = readOf(local, chunks[1]).catch(() => {})
    view.set({ ...server, ...trouble })
    await late
    await until(() => files.stillOpen === 0)
    t.notOk(local.has(NODE, nameOf(chunks[0])))
    await t.rejects(readOf(local, chunks[0]), refused('unreachable'))
  }
  view.set(server)
  t.ok((await readOf(local, chunks[0])).equals(chunks[0].payload), 'until it is well')
})

t.test('a server that moves is followed; what was open is closed', async (t) => {
  const { directory, disk, local, view, files } = await start(t)
  await readOf(local, chunks[0])
  const moved = `${directory}-moved`
  await rename(directory, moved)
  view.set({ id: disk.serverId, grpcAddress: '', dataDirectory: moved })
  await until(() => files.stillOpen === 0)
  t.ok((await readOf(local, chunks[0])).equals(chunks[0].payload))
  await rm(moved, { recursive: true })
  await local[Symbol.asyncDispose]()
  t.equal(files.stillOpen, 0)
})
