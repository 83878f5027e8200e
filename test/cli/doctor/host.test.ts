import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../../conformance/support/free-ports.ts'
import { systemClock } from '../../../src/base/system.ts'
import { judgeSync } from '../../../src/cli/doctor/checks/disk-sync.ts'
import { judgeFileSystem } from '../../../src/cli/doctor/checks/file-system.ts'
import { examine } from '../../../src/cli/doctor/run.ts'
import { TestCa } from '../../support/certificates.ts'
import { diagnose, isAll } from '../../support/doctor.ts'

const DAY = 86_400_000
const root = mkdtempSync(join(tmpdir(), 'sextant-doctor-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
const isRoot = process.getuid?.() === 0
const DISK = { SEXTANT_DATA_DIR: root }
const hasShm = existsSync('/dev/shm')
const shm = hasShm ? mkdtempSync('/dev/shm/sextant-doctor-') : root
t.teardown(() => rmSync(shm, { recursive: true, force: true }))

t.test('doctor: Node', async (t) => {
  t.match(await diagnose('Node', {}, { nodeVersion: '20.19.1' }), [/^failure: Node is 20.19.1, .* 22.18 or later/])
  t.match(await diagnose('Node', {}, { nodeVersion: '22.17.9' }), [/^failure/])
  t.ok(isAll('ok', await diagnose('Node', {})))
})

t.test('doctor: settings', async (t) => {
  const order = {
    gateways: [],
    readFile: () => '',
    clock: systemClock,
    random: { integer: () => 0, bytes: () => Buffer.alloc(0) },
  }
  const report = await examine({ ...order, env: { SEXTANT_NODES: 'six', SEXTANT_S3_PROT: '1' }, nodeVersion: '24.0.0' })
  t.match(report, { ok: false, role: null, findings: { length: 2 } })
  t.match(report.findings[0], { check: 'settings', level: 'failure', message: /SEXTANT_S3_PROT.*SEXTANT_S3_PORT is/ })
  t.match(await diagnose('settings', { SEXTANT_ROOT_ACCESS_KEY_ID: 'AKIA' }), [/^failure: .*set both or neither/])
  t.match(await diagnose('settings', {}, { role: 'gateway' }), [
    /^failure: DATABASE_URL/,
    /^failure: SEXTANT_SEALING_KEY/,
  ])
  const open = { DATABASE_URL: 'postgresql://h/d', SEXTANT_NODE_HOST: '0.0.0.0', SEXTANT_CLUSTER_TOKEN: 't'.repeat(20) }
  t.match(await diagnose('settings', open, { role: 'storage-node' }), [/^failure: .*need certificates/])
  t.match(await diagnose('settings', { SEXTANT_PROXY_PROTOCOL: 'true' }), [/^failure: .*needs SEXTANT_TRUSTED_PROXIES/])
  t.ok(isAll('ok', await diagnose('settings', {})))
})

t.test('doctor: data directory', async (t) => {
  t.ok(isAll('ok', await diagnose('data directory', DISK)))
  t.match(await diagnose('data directory', { SEXTANT_DATA_DIR: join(root, 'not', 'there') }), [/^ok: .* first start/])
  t.notOk(existsSync(join(root, 'not')), 'nothing is made')
  writeFileSync(join(root, 'file'), '')
  t.match(await diagnose('data directory', { SEXTANT_DATA_DIR: join(root, 'file') }), [/^failure: .* is no directory/])
  t.match(await diagnose('data directory', DISK, { role: 'gateway' }), [/^skipped/])
})

t.test('doctor: data directory of somebody else', { skip: isRoot && 'root may write anywhere' }, async (t) => {
  const closed = join(root, 'closed')
  mkdirSync(closed, { mode: 0o500 })
  t.match(await diagnose('data directory', { SEXTANT_DATA_DIR: closed }), [/^failure: .* written to \(EACCES\)/])
  t.match(await diagnose('data directory', { SEXTANT_DATA_DIR: join(closed, 'data') }), [/^failure: .* cannot be made/])
})

t.test('doctor: data directory that was used by another user once', { skip: !isRoot && 'takes root' }, async (t) => {
  const mixed = join(root, 'mixed')
  mkdirSync(join(mixed, 'secrets'), { recursive: true })
  t.ok(isAll('ok', await diagnose('data directory', { SEXTANT_DATA_DIR: mixed })))
  chownSync(join(mixed, 'secrets'), 4711, 4711)
  t.match(await diagnose('data directory', { SEXTANT_DATA_DIR: mixed }), [/^failure: .*secrets belongs to user 4711/])
})

t.test('doctor: secrets', async (t) => {
  const directory = join(root, 'secretive')
  mkdirSync(join(directory, 'secrets'), { recursive: true, mode: 0o700 })
  const file = join(directory, 'secrets', 'sealing-key')
  writeFileSync(file, 'k', { mode: 0o600 })
  const env = { SEXTANT_DATA_DIR: directory }
  t.ok(isAll('ok', await diagnose('secrets', env)))
  chmodSync(file, 0o640)
  t.match(await diagnose('secrets', env), [/^failure: Others may read .*sealing-key \(mode 640\): chmod/])
  chmodSync(file, 0o600)
  const given = join(directory, 'token')
  writeFileSync(given, 't'.repeat(32), { mode: 0o644 })
  chmodSync(given, 0o644)
  const named = { ...env, SEXTANT_CLUSTER_TOKEN_FILE: given }
  t.match(await diagnose('secrets', named), [/^warning: Every user .*token \(mode 644\)/])
  chmodSync(given, 0o440)
  t.ok(isAll('ok', await diagnose('secrets', named)))
})

t.test('doctor: free space', async (t) => {
  t.ok(isAll('ok', await diagnose('free space', { ...DISK, SEXTANT_NODE_RESERVE_BYTES: '0' })))
  const { bsize, bavail } = await statfs(root)
  const reserve = (share: number) => ({
    ...DISK,
    SEXTANT_NODE_RESERVE_BYTES: String(Math.floor(bavail * bsize * share)),
  })
  t.match(await diagnose('free space', reserve(0.7)), [/^warning: .*no new chunks/])
  t.match(await diagnose('free space', reserve(1.5)), [/^failure: .*puts are refused/])
})

t.test('doctor: file system', { skip: !hasShm && 'no tmpfs' }, async (t) => {
  t.match(await diagnose('file system', { SEXTANT_DATA_DIR: shm }), [/^warning: .* on tmpfs: it is memory/])
  t.match(judgeFileSystem('/d', 0x794c7630), { level: 'warning', message: /overlayfs/ })
  t.match(judgeFileSystem('/d', 0x6969), { level: 'warning', message: /NFS/ })
  for (const suitable of [0xef53, 0x58465342, 0x9123683e]) t.match(judgeFileSystem('/d', suitable), { level: 'ok' })
})

t.test('doctor: a disk that does not wait for its medium, or is slow', { skip: !hasShm && 'no tmpfs' }, async (t) => {
  t.match(await diagnose('disk sync', { SEXTANT_DATA_DIR: shm }), [/^warning: .*faster than a disk that writes/])
  t.same(
    readdirSync(shm).filter((name) => name.startsWith('.sextant-doctor')),
    [],
    'its file is gone',
  )
  await diagnose('disk sync', DISK)
  t.same(
    readdirSync(root).filter((name) => name.startsWith('.sextant-doctor')),
    [],
  )
  t.match(judgeSync('/d', [1, 2, 3]), { level: 'ok' })
  t.match(judgeSync('/d', [20, 80, 90]), { level: 'warning', message: /80.0 ms, 20.0 ms at best, and every write/ })
})

t.test('doctor: open files and memory', async (t) => {
  t.match(await diagnose('open files', { SEXTANT_MAX_CONNECTIONS: '1000000' }), [
    /^warning: .*raise the limit to 1001000/,
  ])
  t.ok(isAll('ok', await diagnose('open files', { SEXTANT_MAX_CONNECTIONS: '10' })))
  const large = { SEXTANT_WORKERS: '64', SEXTANT_CHUNK_CACHE_BYTES: '64 GiB' }
  t.match(await diagnose('memory', large), [/^warning: .*lower SEXTANT_WORKERS/])
  t.ok(isAll('ok', await diagnose('memory', {}, { role: 'storage-node' })))
})

t.test('doctor: proxies', async (t) => {
  const limited = { SEXTANT_ADDRESS_REQUESTS_PER_SECOND: '10' }
  t.match(await diagnose('proxies', limited), [/^warning: .*ADDRESS_REQUESTS.*set SEXTANT_TRUSTED_PROXIES/])
  t.match(await diagnose('proxies', { SEXTANT_TRUSTED_PROXIES: '0.0.0.0/0,::/0' }), [/^warning: .*any address/])
  t.ok(isAll('ok', await diagnose('proxies', { ...limited, SEXTANT_TRUSTED_PROXIES: '127.0.0.1' })))
  t.ok(isAll('ok', await diagnose('proxies', { ...limited, SEXTANT_S3_HOST: '0.0.0.0' })))
})

t.test('doctor: ports', async (t) => {
  const port = await freePort()
  const env = { SEXTANT_S3_PORT: String(port), SEXTANT_ADMIN_PORT: '0' }
  t.ok(isAll('ok', await diagnose('ports', env)))
  const stranger = createServer((socket) => socket.end('who is there?')).listen(port, '127.0.0.1')
  t.teardown(() => stranger.close())
  await new Promise((resolve) => stranger.once('listening', resolve))
  t.match(await diagnose('ports', env), [/^failure: Port .* is in use.*SEXTANT_S3_PORT\./, /^ok/])
  const node = { SEXTANT_NODE_PORT: String(port), DATABASE_URL: 'postgresql://127.0.0.1:9/none' }
  t.match(await diagnose('ports', node), [/^failure: .*SEXTANT_NODE_PORT\./])

  // A gateway behind the PROXY protocol answers nobody else there, but at its admin port.
  const admin = createHttpServer((_request, reply) => reply.end('{"status":"ok","nodes":[],"database":{"ok":true}}'))
  t.teardown(() => admin.close())
  await new Promise<void>((resolve) => admin.listen(0, '127.0.0.1', resolve))
  const behind = { ...env, SEXTANT_ADMIN_PORT: String((admin.address() as AddressInfo).port) }
  t.match(await diagnose('ports', behind), [/^failure/, /^ok: .*Sextant serves/])
  t.ok(isAll('ok', await diagnose('ports', { ...behind, SEXTANT_PROXY_PROTOCOL: 'true' })))
})

t.test('doctor: certificates', async (t) => {
  await using ca = await TestCa.make()
  await using other = await TestCa.make()
  const env = (files: { cert: string; key: string; ca: string }) => ({
    DATABASE_URL: 'postgresql://127.0.0.1:9/none',
    SEXTANT_CLUSTER_TLS_CA: files.ca,
    SEXTANT_CLUSTER_TLS_CERT: files.cert,
    SEXTANT_CLUSTER_TLS_KEY: files.key,
  })
  const asNode = { SEXTANT_NODE_PORT: '9001', SEXTANT_NODE_HOST: '10.1.2.3' }
  const { files } = await ca.certificate({ hosts: ['10.1.2.3', 'storage-1'] })
  const later = (ms: number) => ({ clock: { ...systemClock, nowMs: () => systemClock.nowMs() + ms } })

  t.match(await diagnose('certificates', {}), [/^skipped/])
  t.match(await diagnose('certificates', env(files)), [/^warning: .*expires soon/], 'those of tests last for a day')
  t.match(await diagnose('certificates', env(files), later(2 * DAY)), [/^failure: .*has expired/])
  t.match(await diagnose('certificates', env(files), later(-2 * DAY)), [/^failure: .*not valid before.*clock/])
  const named = await diagnose('certificates', { ...env(files), ...asNode })
  t.match(named, [/^warning/], 'it names the node')
  const elsewhere = { ...env(files), ...asNode, SEXTANT_NODE_ADDRESS: 'storage-2:9001' }
  t.match(await diagnose('certificates', elsewhere), [/^warning/, /^failure: .*does not name storage-2,/])
  const { files: foreign } = await other.certificate()
  t.match(await diagnose('certificates', env({ ...files, ca: foreign.ca })), [/^warning/, /^failure: .*of another CA/])
  t.match(await diagnose('certificates', env({ ...files, key: foreign.key })), [
    /^failure: .*not that of the certificate/,
  ])
  t.match(await diagnose('certificates', env({ ...files, cert: join(root, 'gone') })), [
    /^failure: .*gone cannot be read/,
  ])
  const { files: nodes } = await ca.certificate({ usages: ['server'] })
  t.match(await diagnose('certificates', env(nodes)), [/^warning/, /^failure: .*not for calling others/])
  const s3 = { SEXTANT_S3_TLS_CERT: files.cert, SEXTANT_S3_TLS_KEY: files.key, SEXTANT_DOMAIN: 's3.example.com' }
  t.match(await diagnose('certificates', s3), [/^warning/, /name s3.example.com/, /name any-bucket.s3.example.com/])
})

t.test('doctor: certificates that are good say nothing', async (t) => {
  await using ca = await TestCa.make()
  const { files } = await ca.certificate({ days: 20 })
  const env = { SEXTANT_S3_TLS_CERT: files.cert, SEXTANT_S3_TLS_KEY: files.key }
  t.ok(isAll('ok', await diagnose('certificates', env)))
})

t.test('doctor: a command that is hung up on ends all the same', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  const startedMs = performance.now()
  const found = await diagnose('PostgreSQL', { DATABASE_URL: `postgresql://127.0.0.1:${port}/d` })
  t.match(found, [/^failure: PostgreSQL does not answer \(.*timeout/])
  t.ok(performance.now() - startedMs < 30_000)
})
