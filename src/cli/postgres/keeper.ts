import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Identity } from './identity.ts'

/** Named so in the process table; `previous.ts` looks for it. */
export const KEEPER_NAME = 'sextant-postgres-keeper'

/**
 * Runs a program and waits for the end of its own standard input: a pipe whose other end only we hold. When we are
 * gone, however that came, the kernel closes that end, and the program gets SIGINT: PostgreSQL's fast shutdown.
 * The first line of its output is the program's pid.
 */
const KEEPER = `
exec 3<&0 </dev/null
"$@" 3<&- >&2 &
child=$!
echo "$child"
exec >&2
( read -r line <&3; kill -INT "$child" ) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
`

export interface Exit {
  /** Above 128: killed by signal number `code` - 128. null: the keeper itself was killed. */
  code: number | null
  /** The last lines that it wrote, for an error message. */
  lastLines: readonly string[]
}

export interface KeptProcess {
  pid: number
  /** Never rejects. */
  exited: Promise<Exit>
  /** SIGINT; then, when it takes longer than `graceMs`, SIGQUIT (immediate: the next start recovers); then SIGKILL. */
  stop(graceMs: number): Promise<void>
}

const LINES_KEPT = 20

/** Starts a program that cannot outlive this process. `onLine` gets what it writes, line by line. */
export async function startKept(
  command: readonly string[],
  options: { identity: Identity; environment: NodeJS.ProcessEnv; directory: string; onLine: (line: string) => void },
): Promise<KeptProcess> {
  const { identity } = options
  const child = spawn('/bin/sh', ['-c', KEEPER, KEEPER_NAME, ...identity.prefix, ...command], {
    // A process group of its own: a Ctrl-C at the terminal is for us, and we stop it in order.
    detached: true,
    cwd: options.directory,
    env: options.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(identity.spawnAs && { uid: identity.spawnAs, gid: identity.spawnAs }),
  })
  child.stdin.on('error', () => {}) // it may be gone already when we close it: then `exited` tells

  const lastLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLines.push(line)
    if (lastLines.length > LINES_KEPT) lastLines.shift()
    options.onLine(line)
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, lastLines: [error.message] }))
    child.once('close', (code) => resolve({ code, lastLines }))
  })

  const pid = await firstLine(child)
  return { pid, exited, stop: (graceMs) => stop(child, pid, exited, graceMs) }
}

/** The child's pid; NaN when the keeper could not even start, which `exited` then tells. */
async function firstLine(child: ChildProcess): Promise<number> {
  return await new Promise((resolve) => {
    createInterface({ input: child.stdout! })
      .once('line', (line) => resolve(Number(line)))
      .once('close', () => resolve(Number.NaN))
    child.once('error', () => resolve(Number.NaN))
  })
}

async function stop(child: ChildProcess, pid: number, exited: Promise<Exit>, graceMs: number): Promise<void> {
  child.stdin!.end()
  if (await settlesWithin(exited, graceMs)) return
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    signalProcess(pid, signal)
    if (await settlesWithin(exited, 5_000)) return
  }
  throw new Error(`PostgreSQL (pid ${pid}) does not stop.`)
}

/** False when there is no such process, or it is another user's. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
