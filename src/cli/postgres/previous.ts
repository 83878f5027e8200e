import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { KEEPER_NAME, signalProcess } from './keeper.ts'

/** No process has this pid (Linux stops at 2^22, others earlier), so PostgreSQL sees a lock file as left behind. */
const NO_PROCESS = 2_147_483_647

/**
 * Clears the way for a new server on `cluster`. One that is still running (its parent was killed a moment ago) is
 * waited for, and stopped if nobody is left to stop it. Lock files whose pid belongs to some other process by now are
 * disarmed: PostgreSQL itself would take that process for the old server and refuse to start.
 * Throws one clear sentence when a live server does not go.
 */
export async function clearPrevious(
  place: { cluster: string; socketDirectory: string; patienceMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { cluster, socketDirectory, patienceMs } = place
  const lockFile = join(cluster, 'postmaster.pid')
  const lines = (await readFile(lockFile, 'utf8').catch(() => '')).split('\n')
  const pid = Number(lines[0])
  if (Number.isInteger(pid) && pid > 0 && signalProcess(pid, 0)) {
    if (await serves(pid, cluster)) await waitUntilGone({ pid, cluster, patienceMs }, signal)
    else await disarm(lockFile, lines)
  }
  // The socket directory belongs to this cluster alone, and its server is gone.
  for (const name of await readdir(socketDirectory).catch(() => [])) {
    if (name.startsWith('.s.PGSQL.')) await rm(join(socketDirectory, name), { force: true })
  }
}

/** Keeps the rest of the file: its shared-memory key is how PostgreSQL sees that old backends are still at work. */
async function disarm(lockFile: string, lines: string[]): Promise<void> {
  await writeFile(lockFile, [NO_PROCESS, ...lines.slice(1)].join('\n'))
}

async function waitUntilGone(
  { pid, cluster, patienceMs }: { pid: number; cluster: string; patienceMs: number },
  signal: AbortSignal,
): Promise<void> {
  const keeper = await describeProcess((await describeProcess(pid)).parentId)
  if (!keeper.command.includes(KEEPER_NAME)) signalProcess(pid, 'SIGINT')
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 50) {
    if (!signalProcess(pid, 0) || !(await serves(pid, cluster))) return
    await sleep(50, undefined, { signal })
  }
  throw new Error(
    `PostgreSQL (pid ${pid}) is still running on ${cluster}: another Sextant is using this data directory; stop it first.`,
  )
}

async function serves(pid: number, cluster: string): Promise<boolean> {
  const { command, cwd } = await describeProcess(pid)
  const real = await realpath(cluster)
  return cwd === real || (command.includes('postgres') && (command.includes(real) || command.includes(cluster)))
}

/** What the process table says of a pid; empty strings where it says nothing. */
async function describeProcess(pid: number): Promise<{ command: string; cwd: string; parentId: number }> {
  if (process.platform === 'linux') {
    const [command, cwd, stat] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
      readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    ])
    // proc(5): `pid (name) state ppid …`; the name may itself hold parentheses.
    const parentId = Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2] ?? 0)
    return { command: command.replaceAll('\0', ' '), cwd, parentId }
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'ppid=,command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  const [, parentId = '0', command = ''] = /^\s*(\d+)\s+(.*)$/s.exec(stdout) ?? []
  return { command, cwd: '', parentId: Number(parentId) }
}
