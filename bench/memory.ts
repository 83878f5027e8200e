import { setInterval } from 'node:timers'
import { parseArgs } from 'node:util'
import { drive } from './support/load.ts'
import { usageOfTree } from './support/processes.ts'
import { signed } from './support/s3.ts'
import { call, openTarget } from './support/target.ts'

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
const SAMPLE_MS = 200
const MIB = 2 ** 20
const PART = 64 * MIB
const uploads = Number(values.uploads)
const body = Buffer.alloc(Number(values.mib) * MIB, 'sextant')

await using target = await openTarget({})
const { s3, pid } = target
await call(s3, 'PUT', '/memory')
console.log(`at rest: ${residentMib().toFixed(0)} MiB`)
await watch(`${uploads} uploads of ${values.mib} MiB at once`, async () => {
  const request = (n: number) => signed(s3, { method: 'PUT', path: `/memory/${n}`, body })
  return await drive({ ...s3, clients: uploads, operations: uploads, request })
})
await watch(`${uploads} downloads of them at once`, async () => {
  const request = (n: number) => signed(s3, { method: 'GET', path: `/memory/${n}` })
  return await drive({ ...s3, clients: uploads, operations: uploads, request })
})
if (Number(values.gib) > 0) await oneLargeObject((Number(values.gib) * 1024 * MIB) / PART)

async function oneLargeObject(parts: number): Promise<void> {
  const part = Buffer.alloc(PART, 'sextant')
  let uploadId = ''
  await drive({
    ...s3,
    clients: 1,
    operations: 1,
    request: () => signed(s3, { method: 'POST', path: '/memory/large?uploads' }),
    check: (_, xml) => {
      uploadId = /<UploadId>(.*?)</.exec(String(xml))![1]!
    },
  })
  const at = (n: number) => `/memory/large?partNumber=${n + 1}&uploadId=${uploadId}`
  await watch(`${values.gib} GiB by multipart, 4 parts at once`, () =>
    drive({
      ...s3,
      clients: 4,
      operations: parts,
      request: (n) => signed(s3, { method: 'PUT', path: at(n), body: part }),
    }),
  )
  const etags: string[] = []
  const listing = async (after: number) => {
    const path = `/memory/large?part-number-marker=${after}&uploadId=${uploadId}`
    const request = () => signed(s3, { method: 'GET', path })
    const check = (_: number, xml: Buffer) => {
      for (const [, etag] of String(xml).matchAll(/<ETag>(.*?)<\/ETag>/g)) etags.push(etag!)
    }
    await drive({ ...s3, clients: 1, operations: 1, request, check })
  }
  while (etags.length < parts) await listing(etags.length)
  const list = etags.map((etag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('')
  const document = Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`)
  await call(s3, 'POST', `/memory/large?uploadId=${uploadId}`, document)
  await watch('the same, read', () =>
    drive({ ...s3, clients: 1, operations: 1, request: () => signed(s3, { method: 'GET', path: '/memory/large' }) }),
  )
}

async function watch(what: string, work: () => ReturnType<typeof drive>): Promise<void> {
  let peakMib = 0
  const timer = setInterval(() => {
    peakMib = Math.max(peakMib, residentMib())
  }, SAMPLE_MS)
  const result = await work()
  clearInterval(timer)
  const rate = (result.bytesIn + result.bytesOut) / MIB / result.seconds
  const failures = result.failures > 0 ? `, ${result.failures} FAILED: ${result.firstFailure.slice(0, 300)}` : ''
  console.log(`${what}: at most ${peakMib.toFixed(0)} MiB resident, ${rate.toFixed(0)} MiB/s${failures}`)
  if (peakMib > RESIDENT_MIB_MAX || result.failures > 0) process.exitCode = 1
}

function residentMib(): number {
  return usageOfTree(pid).gateway.totalBytes / MIB
}
