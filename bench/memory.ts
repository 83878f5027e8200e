import { parseArgs } from 'node:util'
import { drive, type OpenClient } from './load/drive.ts'
import { createUpload } from './load/multipart.ts'
import { callers, callOnce } from './load/s3.ts'
import { usageUnder } from './store/processes.ts'
import { openTarget } from './store/target.ts'
import { watchUsage } from './store/watch-usage.ts'

/**
 * `node bench/memory.ts [--uploads 100] [--mib 64] [--gib 0]`
 *
 * The gateway's memory while many large uploads run at once, then while they are read at once; with --gib 10 also while one
 * object of that size is written by multipart, in parts of 64 MiB, and read. Fails when it goes beyond 400 MiB.
 */
const { values } = parseArgs({
  options: {
    uploads: { type: 'string', default: '100' },
    mib: { type: 'string', default: '64' },
    gib: { type: 'string', default: '0' },
  },
})
const RESIDENT_MIB_MAX = 400
const MIB = 2 ** 20
const PART = 64 * MIB
const PARTS_AT_ONCE = 4
const uploads = Number(values.uploads)
const body = Buffer.alloc(Number(values.mib) * MIB, 'sextant')

await using target = await openTarget()
const { s3, pids } = target
await callOnce(s3, { method: 'PUT', path: '/memory' })
console.log(`at rest: ${((usageUnder(pids).gateway?.totalBytes ?? 0) / MIB).toFixed(0)} MiB`)
await watch(`${uploads} uploads of ${values.mib} MiB at once`, {
  clients: uploads,
  operations: uploads,
  open: callers(s3, (n) => ({ method: 'PUT', path: `/memory/${n}`, body })),
})
await watch(`${uploads} downloads of them at once`, {
  clients: uploads,
  operations: uploads,
  open: callers(s3, (n) => ({ method: 'GET', path: `/memory/${n}` })),
})
if (Number(values.gib) > 0) await oneLargeObject((Number(values.gib) * 1024 * MIB) / PART)

async function oneLargeObject(parts: number): Promise<void> {
  const part = Buffer.alloc(PART, 'sextant')
  const upload = await createUpload(s3, '/memory/large')
  await watch(`${values.gib} GiB by multipart, ${PARTS_AT_ONCE} parts at once`, {
    clients: PARTS_AT_ONCE,
    operations: parts,
    open: callers(s3, (n) => ({ method: 'PUT', path: upload.pathOf(n), body: part })),
  })
  await upload.complete()
  await watch('the same, read', {
    clients: 1,
    operations: 1,
    open: callers(s3, () => ({ method: 'GET', path: '/memory/large' })),
  })
}

interface Work {
  clients: number
  operations: number
  open: OpenClient
}

async function watch(what: string, { clients, operations, open }: Work): Promise<void> {
  const stop = watchUsage(pids)
  const result = await drive({ clients, open, operationsMax: operations })
  const peakMib = (stop().usage.gateway?.totalBytes ?? Number.NaN) / MIB
  const rate = (result.bytesIn + result.bytesOut) / MIB / result.seconds
  const failures = result.failures > 0 ? `, ${result.failures} FAILED: ${result.firstFailure.slice(0, 300)}` : ''
  console.log(`${what}: at most ${peakMib.toFixed(0)} MiB resident, ${rate.toFixed(0)} MiB/s${failures}`)
  if (!(peakMib <= RESIDENT_MIB_MAX) || result.failures > 0) process.exitCode = 1
}
