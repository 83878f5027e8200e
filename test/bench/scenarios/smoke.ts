import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Row } from '../../../bench/measure.ts'
import type { Results } from '../../../bench/report/results.ts'

/** That the benchmark measures, not what: no time and no rate makes these tests fail. */
const RUN = fileURLToPath(new URL('../../../bench/run.ts', import.meta.url))

interface Ran {
  rows: Map<string, Row>
  results: Results
  /** What it saved. */
  files: string[]
  printed: string
}

async function bench(t: Test, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const directory = t.testdir()
  // A store under test gets none of our settings, and not what tap has every process load.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(SEXTANT_|DATABASE_URL|npm_|NODE_OPTIONS|TAP)/.test(name),
  )
  const options = { env: { ...Object.fromEntries(own), ...env }, maxBuffer: 2 ** 24 }
  const saving = ['--scale', 'smoke', '--save', 'smoke', '--results', directory]
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [RUN, ...saving, ...args], options, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stdout}${stderr}`)) : resolve(stdout),
    )
  })
  const saved = join(directory, 'smoke')
  const results = JSON.parse(await readFile(join(saved, 's3.json'), 'utf8')) as Results
  const rows = new Map(results.rows.map((row) => [row.name, row]))
  return { results, rows, files: await readdir(saved), printed }
}

t.test('bench: every workload runs on a store of its own, and every number can be', async (t) => {
  const { rows, results, files, printed } = await bench(t, [])
  const groups = new Set([...rows.values()].map(({ group }) => group))
  t.same([...groups], ['sizes', 'small', 'text', 'lists', 'clients', 'load', 'nodes', 'database'])
  for (const [name, row] of rows) {
    t.equal(row.failures, 0, `${name}: ${row.firstFailure}`)
    t.ok(row.operations >= 1 && row.seconds > 0, `${name}: something was done`)
    const { p50, p90, p99, max } = row.latencyMs
    t.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max, `${name}: percentiles are in order`)
    t.ok(max <= row.seconds * 1000 + 1, `${name}: nothing took longer than all`)
    t.ok((row.usage.gateway?.residentBytes ?? 0) > 2 ** 24, `${name}: a gateway needs memory`)
    t.ok(printed.includes(name), `${name} was printed`)
  }
  for (const kind of ['gateway', 'nodes', 'postgres'] as const) {
    const cpuSeconds = results.rows.reduce((sum, { usage }) => sum + (usage[kind]?.cpuSeconds ?? 0), 0)
    t.ok(cpuSeconds > 0, `${kind}: CPU time was told`)
  }
  t.equal(rows.get('get-1MiB')!.bytesIn, rows.get('get-1MiB')!.operations * 2 ** 20, 'bodies are read whole')
  t.ok((rows.get('put-4KiB')!.syncsPerOperation?.nodes ?? 0) > 0, 'what is acknowledged was synced')
  t.notOk(rows.get('get-4KiB')!.syncsPerOperation, 'reads are not asked about syncs')
  t.same(files.toSorted(), [
    'latency-by-clients.svg',
    'latency-by-size.svg',
    'list-by-keys.svg',
    's3.json',
    'throughput-by-clients.svg',
    'throughput-by-size.svg',
  ])
})

t.test('bench --endpoint: another server is driven alike, its processes are one kind', async (t) => {
  const server = fork(fileURLToPath(new URL('../other-server.main.ts', import.meta.url)), { execArgv: [] })
  t.teardown(() => server.kill())
  const [port] = await once(server, 'message')
  const args = ['--endpoint', `http://127.0.0.1:${port}`, '--pid', String(server.pid), '--only', 'put-4KiB,get-4KiB']
  const { rows } = await bench(t, args, { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' })
  t.same([...rows.keys()], ['put-4KiB', 'get-4KiB'])
  for (const row of rows.values()) {
    t.equal(row.failures, 0, row.firstFailure)
    t.same(Object.keys(row.usage), ['server'])
    t.ok(row.usage.server!.residentBytes > 2 ** 24)
    t.notOk(row.syncsPerOperation, 'nobody counts its syncs')
  }
  t.equal(rows.get('get-4KiB')!.bytesIn, rows.get('get-4KiB')!.operations * 5)
})
