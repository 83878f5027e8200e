/**
 * Preloaded into every Node process of a store under test (`node --import`); changes nothing of what it does. Counts calls
 * that sync to the disk, which /proc does not tell, and takes CPU profiles when it is asked to, on a Unix socket
 * `<pid>.sock` in BENCH_PROBE_DIRECTORY. One word a connection, JSON back.
 */
import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { syncBuiltinESMExports } from 'node:module'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const SAMPLE_MICROS = 500

let syncs = 0
const profiler = new Session()

if (isMainThread) {
  await countSyncs()
  serve()
}

/** All ways that Node has to fsync and fdatasync. */
async function countSyncs(): Promise<void> {
  const file = await open('/dev/null')
  await file.close()
  for (const name of ['fsync', 'fdatasync', 'fsyncSync', 'fdatasyncSync'] as const) count(fs, name)
  for (const name of ['sync', 'datasync'] as const) count(Object.getPrototypeOf(file), name)
  syncBuiltinESMExports()
}

function count<K extends string>(of: Record<K, unknown>, name: K): void {
  const original = of[name] as (...args: unknown[]) => unknown
  of[name] = function (this: unknown, ...args: unknown[]) {
    syncs++
    return original.apply(this, args)
  }
}

function serve(): void {
  const server = createServer(listen)
  server.listen(join(process.env.BENCH_PROBE_DIRECTORY!, `${process.pid}.sock`)).unref()
}

/** Each with a name: profiles are told by it what is the probe's own (bench/profile/profile-tree.ts). */
function listen(socket: Socket): void {
  socket.on('error', ignore)
  socket.on('data', function hear(word) {
    const reply = (value: unknown) => socket.end(JSON.stringify(value))
    void answer(word.toString()).then(reply)
  })
  socket.unref()
}

function ignore(): void {}

async function answer(word: string): Promise<unknown> {
  if (word === 'syncs') return syncs
  if (word === 'profile') {
    profiler.connect()
    await profiler.post('Profiler.enable')
    await profiler.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS })
    await profiler.post('Profiler.start')
    return true
  }
  const { profile } = await profiler.post('Profiler.stop')
  profiler.disconnect()
  return profile
}
