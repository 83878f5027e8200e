import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export const BIN = fileURLToPath(new URL('../../bin/sextant.js', import.meta.url))

/** What `sextant up --json` prints when it serves. */
export interface Ready {
  pid: number
  endpoint: string
  adminUrl: string
  accessKeyId: string
  secretAccessKey: string
  region: string
  dataDirectory: string
  startMs: number
  processes: { name: string; pid: number }[]
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  /** Rejects with what it wrote when it ends before it serves. */
  ready: Promise<Ready>
  ended: Promise<Ended>
}

/** A data directory that goes with the test, and with it everything that still runs on it. */
export async function dataDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-up-'))
  t.teardown(async () => {
    for (const { pid } of await processesOn(directory)) kill(pid, 'SIGKILL')
    await gone(directory, 5000)
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  })
  return directory
}

/** `sextant ARGS…` on a data directory and on free ports, with nothing of our own settings. */
export function sextant(directory: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(SEXTANT_|DATABASE_URL|npm_|NODE_OPTIONS|TAP)/.test(name),
  )
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(own),
      SEXTANT_DATA_DIR: directory,
      SEXTANT_S3_PORT: '0',
      SEXTANT_ADMIN_PORT: '0',
      ...env,
    },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => {
    said.stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    said.stderr = (said.stderr + data.toString()).slice(-20_000)
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }))
  const ready = readyOf(child, ended)
  ready.catch(() => {}) // a test that waits for the end alone need not hear of it
  return { child, ended, ready }
}

async function readyOf(child: ChildProcess, ended: Promise<Ended>): Promise<Ready> {
  const ready = Promise.withResolvers<Ready>()
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line.startsWith('{"ready":true')) ready.resolve(JSON.parse(line) as Ready)
  })
  const early = ended.then(({ stdout, stderr, code }) => {
    throw new Error(`it ended with ${code} before it served: ${stdout}${stderr}`)
  })
  return Promise.race([ready.promise, early])
}

/** All processes that have to do with a data directory: by environment, arguments or working directory. */
export async function processesOn(directory: string): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids
      .filter((pid) => pid !== process.pid)
      .map(async (pid) => {
        const [environment, command, cwd] = await Promise.all([
          readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''),
          readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
          readlink(`/proc/${pid}/cwd`).catch(() => ''),
        ])
        const isOurs = environment.includes(`=${directory}`) || command.includes(directory) || cwd.startsWith(directory)
        return isOurs && command !== '' ? [{ pid, command: command.replaceAll('\0', ' ').trim() }] : []
      }),
  )
  return found.flat()
}

/** Waits until nothing runs on the directory; answers what still does after `waitMs`. */
export async function gone(directory: string, waitMs: number): Promise<string[]> {
  return await until(waitMs, async () => {
    const left = await processesOn(directory)
    return { done: left.length === 0, value: left.map(({ pid, command }) => `${pid} ${command}`) }
  })
}

/** Asks every 50 ms until it is done or the time is over; answers the last value. */
export async function until<T>(waitMs: number, ask: () => Promise<{ done: boolean; value: T }>): Promise<T> {
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    const { done, value } = await ask()
    if (done || performance.now() > deadlineMs) return value
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}
