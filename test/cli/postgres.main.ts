import { silentLog } from '../../src/base/log.ts'
import { startPostgres } from '../../src/cli/postgres/start.ts'

/** Starts PostgreSQL on the directory named, says where it is in one line, and stays: to be killed by a test. */
const postgres = await startPostgres({
  directory: process.argv[2]!,
  log: silentLog,
  signal: new AbortController().signal,
})
console.log(JSON.stringify({ pid: postgres.pid, url: postgres.url }))
setInterval(() => {}, 60_000)
