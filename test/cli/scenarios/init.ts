import { randomBytes, randomInt, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import type { DoctorReport } from '../../../src/cli/doctor/run.ts'
import { openTestDatabase } from '../../support/postgres.ts'
import { eventually } from '../../support/store.ts'
import { UnitMachine } from '../../support/unit-machine.ts'
import { sextant } from '../../support/up.ts'

const root = mkdtempSync(join(tmpdir(), 'sextant-init-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
const init = (directory: string, ...args: string[]) =>
  sextant('/nowhere', ['init', join(root, directory), ...args]).ended
const FEW = ['--gateway', 'gw-1+10.0.0.11', '--storage-node', 's-1+10.0.0.21', 's-2']
const DATABASE = ['--database-url', 'postgresql://sextant:password@db/sextant']

t.test('init: a directory for each host, with what it needs and no more', async (t) => {
  const { code, stdout } = await init('few', ...FEW, ...DATABASE, '--disks', '2')
  t.equal(code, 0)
  t.match(stdout, /rsync -rp .*few\/gw-1\/ root@gw-1:\/etc\/sextant\//)
  t.match(stdout, /s-2: systemctl enable --now sextant-storage-node@disk1 sextant-storage-node@disk2\n/)
  t.notMatch(stdout, /password/)
  const files = (host: string) =>
    readdirSync(join(root, 'few', host), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'few', host).length + 1))
      .toSorted()
  t.same(files('gw-1'), [
    ...['secrets/database-url', 'secrets/root-key', 'secrets/sealing-key', 'sextant.env'],
    ...['tls/ca.crt', 'tls/gateway.crt', 'tls/gateway.key'],
  ])
  t.same(files('s-1'), [
    ...['secrets/database-url', 'sextant.env', 'storage-node-disk1.env', 'storage-node-disk2.env'],
    ...['tls/ca.crt', 'tls/storage-node.crt', 'tls/storage-node.key'],
  ])
  for (const host of ['gw-1', 's-1', 's-2'])
    for (const file of files(host)) t.equal(statSync(join(root, 'few', host, file)).mode & 0o777, 0o600, file)
  const read = (file: string) => readFileSync(join(root, 'few', file), 'utf8')
  t.match(read('s-1/storage-node-disk2.env'), /NODE_HOST=10.0.0.21\nSEXTANT_NODE_PORT=9002\n.*9102\nSEXTANT_ZONE=s-1\n/)
  t.match(read('s-2/storage-node-disk1.env'), /NODE_HOST=0.0.0.0\nSEXTANT_NODE_ADDRESS=s-2:9001\n/)
  t.ok(new X509Certificate(read('s-2/tls/storage-node.crt')).checkHost('s-2'))
})

t.test('init: nothing is overwritten, nothing half made is left, and what is wrong is told', async (t) => {
  const before = readFileSync(join(root, 'few/ca/ca.key'), 'utf8')
  t.match(await init('few', ...FEW, ...DATABASE), { code: 1, stderr: /is there already, and is left as it is/ })
  t.equal(readFileSync(join(root, 'few/ca/ca.key'), 'utf8'), before)
  t.match(await init('wrong', ...FEW), { code: 2, stderr: /--database-url-file, --database-url or DATABASE_URL/ })
  t.match(await init('wrong', ...FEW, '--database-url', 'mysql://h'), { code: 2, stderr: /begins with postgresql/ })
  t.match(await init('wrong', '--gateway', 'a/b', '--storage-node', 's', ...DATABASE), { code: 2, stderr: /neither/ })
  t.match(await init('wrong', '--gateway', 'a', '--storage-node', 'a+10.0.0.1', ...DATABASE), {
    code: 2,
    stderr: /twice/,
  })
  t.match(await init('wrong', '--gateway', 'ca', '--storage-node', 's', ...DATABASE), { code: 2, stderr: /called ca/ })
  t.match(await init('wrong', ...FEW, ...DATABASE, '--disks', '0'), { code: 2, stderr: /from 1 to 64/ })
  t.same(readdirSync(root), ['few'])
})

t.test('init: a cluster starts from just what it wrote, by the units, and stores an object', async (t) => {
  await using database = await openTestDatabase({ migrated: false })
  await using machines = new AsyncDisposableStack()
  const network = `127.${randomInt(2, 250)}.${randomInt(0, 250)}`
  const nodes = [1, 2, 3, 4, 5, 6].map((number) => `s-${number}+${network}.${20 + number}`)
  const args = ['--gateway', `gw-1+${network}.11`, '--storage-node', ...nodes, '--database-url', database.url, '--json']
  const { code, stdout } = await init('cluster', ...args)
  t.equal(code, 0)
  const made = JSON.parse(stdout) as {
    rootAccessKeyId: string
    migrateOn: string
    tolerance: string
    hosts: { name: string; directory: string; units: string[] }[]
  }
  t.match(made, { migrateOn: 'gw-1', tolerance: /any one of 6/, hosts: { length: 7 } })

  const more = { SEXTANT_LOG_LEVEL: 'error', SEXTANT_ADMIN_PORT: '0', SEXTANT_STOP_NOTICE_SECONDS: '0' }
  const started = made.hosts.map(({ name, directory, units }) => {
    const machine = machines.use(new UnitMachine())
    cpSync(directory, join(machine.directory, 'etc'), { recursive: true })
    return { name, machine, units }
  })
  const [first] = started
  t.equal((await once(first!.machine.start('sextant-migrate.service', '', more), 'exit'))[0], 0, 'migrated')
  for (const { machine, units } of started.toReversed()) {
    for (const unit of units) {
      const [, template, instance = ''] = /^([\w-]+@?)(\w*)\.service$/.exec(unit) ?? []
      machine.start(`${template}.service`, instance, more)
    }
  }
  const endpoint = `http://${network}.11:8080`
  await eventually('the gateway reaches all nodes', 60_000, async () => {
    const answer = await fetch(`${endpoint}/health`).catch(() => undefined)
    const report = (await answer?.json()) as
      | { status: string; nodes: { isReachable: boolean; zone: string }[] }
      | undefined
    return report?.status === 'ok' && report.nodes.filter(({ isReachable }) => isReachable).length === 6
  })
  const secretAccessKey = readFileSync(join(root, 'cluster/gw-1/secrets/root-key'), 'utf8').trim()
  const credentials = { accessKeyId: made.rootAccessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  const Body = randomBytes(2_000_000)
  await client.send(new CreateBucketCommand({ Bucket: 'first' }))
  await client.send(new PutObjectCommand({ Bucket: 'first', Key: 'object', Body }))
  const { Body: got } = await client.send(new GetObjectCommand({ Bucket: 'first', Key: 'object' }))
  t.ok(Body.equals(await got!.transformToByteArray()))
  client.destroy()

  // On a gateway's host and on a node's: all that is wrong is what the PostgreSQL of tests leaves out.
  const examine = async (machine: UnitMachine, unit: string, instance: string) => {
    const env = { ...machine.read(unit, instance).env, ...more }
    const { stdout } = await sextant('/nowhere', ['doctor', '--json'], env).ended
    return JSON.parse(stdout) as DoctorReport
  }
  const [gateway, node] = await Promise.all([
    examine(first!.machine, 'sextant-gateway.service', ''),
    examine(started[1]!.machine, 'sextant-storage-node@.service', 'disk1'),
  ])
  t.match([gateway.role, node.role], ['gateway', 'storage-node'])
  for (const { findings } of [gateway, node]) {
    const failures = findings.filter(({ level }) => level === 'failure')
    t.same([...new Set(failures.map(({ check }) => check))], ['PostgreSQL durability'])
    t.match(
      findings.find(({ check }) => check === 'certificates'),
      { level: 'ok' },
    )
  }
  const skippedBy = ({ findings }: DoctorReport) =>
    findings.filter(({ level }) => level === 'skipped').map(({ check }) => check)
  t.same(skippedBy(gateway), ['data directory', 'free space', 'file system', 'disk sync'])
  t.same(skippedBy(node), ['proxies', 'storage connections', 'fault tolerance', 'versions'])
})
