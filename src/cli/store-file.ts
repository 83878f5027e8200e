import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signalProcess } from './postgres/keeper.ts'

/** What a running `sextant up` tells other commands on the same data directory. */
export interface StoreFile {
  pid: number
  endpoint: string
  adminUrl: string
  databaseUrl: string
  /** Whether that PostgreSQL is the store's own, in its data directory. */
  isDatabaseOurs: boolean
  processes: { name: string; pid: number | null }[]
}

/** For its owner alone: the database's URL may hold a password. */
export function writeStoreFile(runDirectory: string, content: StoreFile): void {
  const file = fileIn(runDirectory)
  writeFileSync(`${file}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** undefined: no store runs there, or the file says nothing that can be used. */
export function readStoreFile(runDirectory: string): StoreFile | undefined {
  try {
    const content = JSON.parse(readFileSync(fileIn(runDirectory), 'utf8')) as StoreFile
    return typeof content.databaseUrl === 'string' ? content : undefined
  } catch {
    return undefined
  }
}

/** As readStoreFile, but only of a store that runs: one that was killed leaves its file. */
export function readRunningStore(runDirectory: string): StoreFile | undefined {
  const content = readStoreFile(runDirectory)
  return content && signalProcess(content.pid, 0) ? content : undefined
}

export function removeStoreFile(runDirectory: string): void {
  rmSync(fileIn(runDirectory), { force: true })
}

function fileIn(runDirectory: string): string {
  return join(runDirectory, 'store.json')
}
