import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { silentLog } from '../../../src/base/log.ts'
import { KEEPER_NAME } from '../../../src/cli/postgres/keeper.ts'
import { type EmbeddedPostgres, startPostgres } from '../../../src/cli/postgres/start.ts'
import { execute } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const MAIN = fileURLToPath(new URL('../postgres.main.ts', import.meta.url))
const isRoot = process.getuid?.() === 0
const { signal } = new AbortController()
const start = (directory: string, more: Partial<Parameters<typeof startPostgres>[0]> = {}) =>
  startPostgres({ directory, log: silentLog, signal, ...more })

interface Place extends AsyncDisposable {
  directory: string
  /** Starts a server that is stopped with the test. */
  serve(more?: Partial<Parameters<typeof startPostgres>[0]>): Promise<EmbeddedPostgres>
  /** The same in a process of its own, which a test may kill. */
  serveApart(environment?: NodeJS.ProcessEnv): Promise<{ process: ChildProcess; pid: number; url: string }>
}

/** A cluster that was made once, for all tests but those of making one. */
const template = await mkdtemp(join(tmpdir(), 'sextant-launch-template-'))
t.teardown(() => rm(template, { recursive: true, force: true }))
await (await start(template)).stop()

/** A directory that goes with the test, and so does whatever it started there. */
async function makePlace({ name = 'pg', fresh = false } = {}): Promise<Place> {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'sextant-launch-'))
  const directory = join(root, name)
  if (!fresh) await cp(join(template, 'cluster'), join(directory, 'cluster'), { recursive: true })
  const stack = new AsyncDisposableStack()
  stack.defer(() => rm(root, { recursive: true, force: true }))
  return {
    directory,
    async serve(more) {
      const postgres = await start(directory, more)
      stack.defer(() => postgres.stop())
      return postgres
    },
    async serveApart(environment = process.env) {
      const child = spawn(process.execPath, [MAIN, directory], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
      let said = ''
      child.stderr.on('data', (bytes) => {
        said += bytes
      })
      const told = Promise.race([
        once(createInterface({ input: child.stdout }), 'line'),
        once(child, 'close').then(() => Promise.reject(new Error(said))),
      ])
      const [line] = await told
      const { pid, url } = JSON.parse(line as string) as { pid: number; url: string }
      stack.defer(async () => {
        child.kill('SIGKILL')
        await until(() => !isAlive(pid))
      })
      return { process: child, pid, url }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // One that has ended may wait to be collected by whoever adopted it.
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const parentOf = async (pid: number) =>
  Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')[1])
/** The keeper and what watches for it, which is its fork; the latter first. */
async function keepersOf(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, n) => commands[n]!.includes(KEEPER_NAME) && commands[n]!.includes(directory)).reverse()
}
const remember = (url: string) => execute(url, `create table kept as select 'x'::text as value`)
const recall = (url: string) => execute(url, 'select value from kept')

t.test('startPostgres: durable, in UTF-8, for its owner alone; again on the same data', async (t) => {
  await using place = await makePlace({ fresh: true })
  const first = await place.serve()
  const wanted = {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    data_checksums: 'on',
    listen_addresses: '',
    server_encoding: 'UTF8',
  }
  for (const [name, value] of Object.entries(wanted)) {
    t.same(await execute(first.url, 'select current_setting($1) as value', [name]), [{ value }], name)
  }
  t.equal((await lstat(place.directory)).mode & 0o777, 0o700)
  t.equal((await lstat(first.socketDirectory)).mode & 0o777, 0o700)
  await remember(first.url)
  await first.stop()
  t.equal((await first.exited).code, 0)
  t.notOk(isAlive(first.pid))
  const startedMs = performance.now()
  const second = await place.serve()
  t.comment(`a warm start: ${(performance.now() - startedMs).toFixed(0)} ms`)
  t.equal(second.url, first.url)
  t.same(await recall(second.url), [{ value: 'x' }])
})

t.test('startPostgres: nothing is left when its process is killed with -9, and the next start goes on', async (t) => {
  await using place = await makePlace()
  const first = await place.serveApart()
  await remember(first.url)
  first.process.kill('SIGKILL')
  const next = await place.serve() // at once: the old one is only just going
  t.notOk(isAlive(first.pid))
  t.same(await recall(next.url), [{ value: 'x' }])
  await next.stop()
  const last = await place.serveApart()
  const keeper = process.platform === 'linux' ? await parentOf(last.pid) : undefined
  last.process.kill('SIGKILL')
  await until(() => !isAlive(last.pid))
  if (keeper) await until(() => !isAlive(keeper))
})

t.test('startPostgres: lock files whose pid is another process by now are no obstacle', async (t) => {
  await using place = await makePlace()
  const first = await place.serve()
  await remember(first.url)
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
  try {
    for (const file of [
      join(place.directory, 'cluster', 'postmaster.pid'),
      join(first.socketDirectory, '.s.PGSQL.5432.lock'),
    ]) {
      const lines = (await readFile(file, 'utf8')).split('\n')
      await writeFile(file, [stranger.pid, ...lines.slice(1)].join('\n'))
    }
    const second = await place.serve()
    t.same(await recall(second.url), [{ value: 'x' }])
    t.ok(isAlive(stranger.pid!), 'and it is left alone')
  } finally {
    stranger.kill('SIGKILL')
  }
})

t.test(
  'startPostgres: a live server whose keepers are gone is stopped first',
  { skip: process.platform !== 'linux' },
  async (t) => {
    await using place = await makePlace()
    const first = await place.serveApart()
    await remember(first.url)
    for (const pid of await keepersOf(place.directory)) process.kill(pid, 'SIGKILL')
    await sleep(200)
    t.ok(isAlive(first.pid), 'nobody stops it')
    first.process.kill('SIGKILL')
    const second = await place.serve()
    t.notOk(isAlive(first.pid))
    t.same(await recall(second.url), [{ value: 'x' }])
  },
)

t.test('startPostgres: a live server of another Sextant is left alone, in one sentence', async (t) => {
  await using place = await makePlace()
  const first = await place.serveApart()
  await t.rejects(start(place.directory, { patienceMs: 300 }), {
    message:
      /^PostgreSQL \(pid \d+\) is still running on .*: another Sextant is using this data directory; stop it first\.$/,
  })
  t.ok(await execute(first.url, 'select 1'))
})

t.test('startPostgres: an interrupted first start leaves nothing that the next one trips over', async (t) => {
  await using place = await makePlace({ fresh: true })
  const stop = new AbortController()
  const aborted = start(place.directory, { signal: stop.signal })
  const half = async () =>
    (await readdir(place.directory).catch(() => [])).some((name) => name.startsWith('.new-cluster'))
  await until(half)
  stop.abort(new Error('no more'))
  await t.rejects(aborted, { message: 'no more' })

  for (const ms of [20, 300]) {
    const killed = spawn(process.execPath, [MAIN, place.directory], { stdio: 'ignore' })
    await sleep(300) // by then it is at it
    await until(half)
    await sleep(ms)
    killed.kill('SIGKILL')
  }
  const postgres = await place.serve()
  await remember(postgres.url)
  t.same((await readdir(place.directory)).sort(), ['cluster', 'socket'])
})

t.test('startPostgres: a directory with a long name, spaces, quotes and a comma', async (t) => {
  await using place = await makePlace({ name: `it's "quoted", long and ${'x'.repeat(100)}`, fresh: true })
  const postgres = await place.serve()
  t.ok(Buffer.byteLength(postgres.socketDirectory) < 90)
  t.equal((await lstat(postgres.socketDirectory)).mode & 0o777, 0o700)
  await remember(postgres.url)
  await postgres.stop()
  const again = await place.serve()
  t.equal(again.url, postgres.url)
  t.same(await recall(again.url), [{ value: 'x' }])
  await rm(again.socketDirectory, { recursive: true })
  await using near = await makePlace({ name: `it's "quoted", and` })
  t.ok(await execute((await near.serve()).url, 'select 1'))
})

t.test('startPostgres: data of another version is refused in one sentence', async (t) => {
  await using place = await makePlace()
  await (await place.serve()).stop()
  const file = join(place.directory, 'cluster', 'PG_VERSION')
  for (const [version, advice] of [
    ['17', 'dump it'],
    ['99', 'use a newer Sextant'],
  ] as const) {
    await writeFile(file, `${version}\n`)
    const message = new RegExp(
      `^The data in .* was written by PostgreSQL ${version}, and this is PostgreSQL \\d+: ${advice}.*\\.$`,
    )
    await t.rejects(start(place.directory), { message })
  }
})

t.test(
  'startPostgres: as root it runs as somebody else, whatever this machine allows',
  { skip: !isRoot },
  async (t) => {
    await using place = await makePlace()
    const parent = join(place.directory, '..') // mode 0700, as /root is
    const tools = join(parent, 'tools')
    await mkdir(tools)
    const environment = { ...process.env, PATH: tools }
    const has = async (...names: string[]) => {
      for (const name of names) await symlink(`/usr/bin/${name}`, join(tools, name)).catch(() => {})
    }
    const uidOf = async (pid: number) => /^Uid:\t(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
    async function serveAs(uid: string, why: string): Promise<void> {
      const { process: child, pid, url } = await place.serveApart(environment)
      t.equal(await uidOf(pid), uid, why)
      t.same(await recall(url).catch(() => remember(url).then(() => recall(url))), [{ value: 'x' }])
      child.kill('SIGKILL')
      await until(() => !isAlive(pid))
    }
    await has('id')
    await t.rejects(place.serveApart(environment), /cannot be run with data in .*Start Sextant as an ordinary user/)
    await chmod(parent, 0o755)
    await serveAs('65534', 'with its own copy of the binaries')
    await chmod(parent, 0o700)
    await has('setpriv')
    await serveAs('65534', 'with one capability')
    await has('unshare')
    await serveAs('0', 'in a user namespace')
    await rm(join(tools, 'unshare'))
    await serveAs('65534', 'and back')
  },
)
