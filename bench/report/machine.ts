import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'

/** Where the numbers come from: without it they say nothing. */
export interface Machine {
  cpu: string
  cores: number
  memoryGib: number
  kernel: string
  node: string
  fileSystem: string
  /** Half of appends of 4 KiB with fdatasync take so long, one after the other. */
  syncMs: number
}

const SYNCS = 200
/** statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
}

/** Of this machine, and the disk that temporary directories are on. */
export function describeMachine(): Machine {
  const type = statfsSync(tmpdir()).type
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release().split('-')[0]}`,
    node: process.version,
    fileSystem: FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`,
    syncMs: Number(measureSyncMs().toFixed(3)),
  }
}

/** Of the code under test; with a + when files differ from it. */
export function describeCommit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
    const isChanged = git('status', '--porcelain', '--untracked-files=no', '--', '../../src') !== ''
    return git('rev-parse', '--short=10', 'HEAD') + (isChanged ? '+' : '')
  } catch {
    return 'unknown'
  }
}

function measureSyncMs(): number {
  const directory = mkdtempSync(join(tmpdir(), 'sextant-bench-'))
  const fd = openSync(join(directory, 'file'), 'w')
  try {
    const block = Buffer.alloc(4096, 1)
    const times = Array.from({ length: SYNCS }, () => {
      const start = performance.now()
      writeSync(fd, block)
      fdatasyncSync(fd)
      return performance.now() - start
    })
    return times.sort((a, b) => a - b)[SYNCS / 2]!
  } finally {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  }
}
