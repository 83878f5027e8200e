import { randomBytes } from 'node:crypto'
import { readFile, readlink, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import aws4 from 'aws4'
import t from 'tap'
import { dataDirectory, gone, kill, processesOn, type Ready, sextant, until } from '../support/up.ts'

interface Report {
  status: string
  database: { ok: boolean }
  nodes: { number: number; isReachable: boolean; isStale: boolean }[]
}

const health = async (url: string): Promise<Report> => (await (await fetch(url)).json()) as Report

/** The processes as `run/store.json` has them now. */
async function processNamed(directory: string, name: string): Promise<number> {
  const { processes } = JSON.parse(await readFile(join(directory, 'run', 'store.json'), 'utf8')) as Ready
  return processes.find((process) => process.name === name)?.pid ?? 0
}

/** Kills a process of the store, and waits until another stands in its place and all is well. */
async function killAndWait(
  ready: Ready,
  name: string,
  signal: NodeJS.Signals,
): Promise<{ other: boolean; status: string }> {
  const before = await processNamed(ready.dataDirectory, name)
  kill(before, signal)
  return await until(60_000, async () => {
    const other = ![0, before].includes(await processNamed(ready.dataDirectory, name))
    const { status } = await health(`${ready.adminUrl}/health/ready`).catch(() => ({ status: 'no answer' }))
    return { done: other && status === 'ok', value: { other, status } }
  })
}

/** The log: lines of JSON. */
function linesOf(log: string): { msg: string; process: string }[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
  return lines.map((line) => JSON.parse(line) as { msg: string; process: string })
}

interface Sent {
  method: string
  path: string
  headers?: Record<string, string>
  body?: (write: (piece: Buffer) => void) => Promise<void>
}

/** One signed request; the body comes piece by piece. */
function send(ready: Ready, { method, path, headers = {}, body }: Sent): Promise<{ status: number; body: Buffer }> {
  const { host, hostname, port } = new URL(ready.endpoint)
  const signed = aws4.sign(
    {
      host,
      path,
      method,
      service: 's3',
      region: ready.region,
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
    },
    { accessKeyId: ready.accessKeyId, secretAccessKey: ready.secretAccessKey },
  )
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method, headers: signed.headers as Record<string, string> },
      (answer) => {
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces) }))
      },
    )
    sent.on('error', reject)
    const written = body?.((piece) => void sent.write(piece)) ?? Promise.resolve()
    written.then(() => sent.end(), reject)
  })
}

t.test('up: a first start serves, keeps its children alive, and leaves nothing behind', async (t) => {
  const directory = await dataDirectory(t)
  const { child, ready: serving, ended } = sextant(directory, ['up', '--json'], { SEXTANT_LOG_LEVEL: 'info' })
  const ready = await serving
  t.equal(ready.dataDirectory, directory)
  t.comment(`first start: ${ready.startMs} ms`)

  await t.test('up: health is told on both ports', async (t) => {
    t.match(await health(`${ready.adminUrl}/health/live`), { status: 'ok' })
    for (const url of [`${ready.adminUrl}/health/ready`, `${ready.endpoint}/health`]) {
      const report = await health(url)
      t.match(report, { status: 'ok', database: { ok: true } }, url)
      t.equal(report.nodes.length, 6)
      t.ok(report.nodes.every((node) => node.isReachable && !node.isStale))
    }
  })

  await t.test('up: secrets are in no argument, and in files for the owner alone', async (t) => {
    const secret = ready.secretAccessKey
    const sealingKey = await readFile(join(directory, 'secrets', 'sealing-key'), 'utf8')
    const processes = await processesOn(directory)
    t.ok(processes.length >= 8, `${processes.length} processes`)
    for (const { command } of processes) t.notOk(command.includes(secret) || command.includes(sealingKey), command)
    for (const file of [
      'secrets/sealing-key',
      'secrets/root-credentials.json',
      'secrets/cluster-token',
      'run/store.json',
    ])
      t.equal((await stat(join(directory, file))).mode & 0o077, 0, file)
  })

  await t.test('up: every child holds the lock too, so that it lasts until the last of them is gone', async (t) => {
    for (const { name, pid } of ready.processes)
      t.equal(await readlink(`/proc/${pid}/fd/4`), join(directory, 'lock'), name)
  })

  await t.test('up: a second start on the same data directory is refused', async (t) => {
    const second = await sextant(directory, ['up']).ended
    t.equal(second.code, 1)
    t.equal(
      second.stderr,
      `The data directory ${directory} is in use by another \`sextant up\`, process ${ready.pid}.\n`,
    )
  })

  await t.test('account, key, status: they work while the store runs', async (t) => {
    const made = await sextant(directory, ['account', 'create', 'alice', '--display-name', 'Alice', '--json']).ended
    t.equal(made.code, 0, made.stderr)
    t.match(JSON.parse(made.stdout), { name: 'alice', id: /^[0-9a-f]{64}$/, displayName: 'Alice' })
    const key = await sextant(directory, ['key', 'create', '--account', 'alice', '--json']).ended
    t.equal(key.code, 0, key.stderr)
    const credentials = JSON.parse(key.stdout) as Pick<Ready, 'accessKeyId' | 'secretAccessKey'>
    t.equal(
      (await send({ ...ready, ...credentials }, { method: 'GET', path: '/' })).status,
      200,
      'the key works at once',
    )
    const wrong = { ...ready, ...credentials, secretAccessKey: 'wrong' }
    t.equal((await send(wrong, { method: 'GET', path: '/' })).status, 403)

    const status = await sextant(directory, ['status', '--json']).ended
    t.equal((JSON.parse(status.stdout) as { servers: unknown[] }).servers.length, 6)
    const listed = await sextant(directory, ['key', 'list', '--json']).ended
    t.notOk(listed.stdout.includes(credentials.secretAccessKey), 'no secrets in lists')
    const twice = await sextant(directory, ['account', 'create', 'alice']).ended
    t.match(twice, { code: 1, stderr: /^[A-Z].*alice.*\.\n$/ })
  })

  await t.test('up: what is killed is started again', async (t) => {
    t.same(await killAndWait(ready, 'storage node 3', 'SIGKILL'), { other: true, status: 'ok' })
    t.same(await killAndWait(ready, 'storage node 4', 'SIGTERM'), { other: true, status: 'ok' })
    t.same(await killAndWait(ready, 'gateway', 'SIGKILL'), { other: true, status: 'ok' })
    t.same(await killAndWait(ready, 'PostgreSQL', 'SIGKILL'), { other: true, status: 'ok' })
    t.equal((await send(ready, { method: 'PUT', path: '/after-the-kills' })).status, 200)
  })

  await t.test('up: SIGTERM finishes what is under way', async (t) => {
    const body = randomBytes(2 ** 20)
    const upload = send(ready, {
      method: 'PUT',
      path: '/after-the-kills/slow',
      headers: { 'content-length': String(body.length) },
      async body(write) {
        write(body.subarray(0, 1000))
        await sleep(500)
        child.kill('SIGTERM')
        await sleep(1000)
        write(body.subarray(1000))
      },
    })
    t.equal((await upload).status, 200)
    const { stderr, ...how } = await ended
    t.match(how, { code: 0, signal: null })
    t.same(await gone(directory, 0), [], 'nothing is left')
    const stopped = linesOf(stderr).filter(({ msg }) => msg === 'stopped')
    t.same(
      stopped.slice(-7).map((line) => line.process), // one node was stopped before
      ['gateway', ...Array(6).fill('storage-node')],
      'the gateway first, while the nodes still serve',
    )
  })
})
