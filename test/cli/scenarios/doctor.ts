import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { freePorts } from '../../../conformance/support/free-ports.ts'
import type { DoctorReport } from '../../../src/cli/doctor/run.ts'
import { BIN, dataDirectory, sextant } from '../../support/up.ts'

/** What this machine is, not what Sextant is: how fast its disk, how many files it lets a process open. */
const OF_THE_MACHINE = ['disk sync', 'file system', 'open files', 'free space', 'memory']

const asked = (text: string) => JSON.parse(text) as DoctorReport
const wrongIn = ({ findings }: DoctorReport) =>
  findings.filter(({ level, check }) => level !== 'ok' && level !== 'skipped' && !OF_THE_MACHINE.includes(check))

t.test('doctor: nothing runs yet, then all of it runs, and nothing is wrong', async (t) => {
  const directory = await dataDirectory(t)
  const [s3Port, adminPort] = await freePorts(2)
  const ports = { SEXTANT_S3_PORT: String(s3Port), SEXTANT_ADMIN_PORT: String(adminPort) }
  const before = await sextant(directory, ['doctor', '--json'], ports).ended
  t.match(before, { code: 0, stderr: '' })
  t.same(wrongIn(asked(before.stdout)), [])
  t.same(readdirSync(directory), [], 'nothing is left by it')

  const up = sextant(directory, ['up', '--json'], { ...ports, SEXTANT_NODES: '3', SEXTANT_PARITY: '3' })
  const { endpoint } = await up.ready
  const order = ['doctor', '--json', '--gateway', endpoint]
  const { code, stdout } = await sextant(directory, order, { ...ports, SEXTANT_PARITY: '3' }).ended
  const report = asked(stdout)
  t.match(report, { ok: true, role: 'up' })
  t.equal(code, 0)
  t.same(wrongIn(report), [])
  const skipped = report.findings.filter(({ level }) => level === 'skipped').map(({ check }) => check)
  t.same(skipped, ['certificates'], 'all the rest was looked at')
  t.match(
    report.findings.find(({ check }) => check === 'clocks'),
    { message: /^5 other clocks/ },
  )
  t.match(
    report.findings.find(({ check }) => check === 'ports'),
    { message: /Sextant serves at/ },
  )
  up.child.kill('SIGTERM')
  await up.ended
})

t.test('doctor: exit code 1 for a failure, 2 for a wrong question; a table for people', async (t) => {
  const directory = await dataDirectory(t)
  const wrong = await sextant(directory, ['doctor'], { SEXTANT_NODES: 'six' }).ended
  t.match(wrong, { code: 1, stdout: /FAILURE {2}settings {2}SEXTANT_NODES is "six"[\s\S]*\n1 failure, 0 warnings\n$/ })
  t.match(await sextant(directory, ['doctor', '--role', 'balancer'], {}).ended, { code: 2 })
  const few = ['-c', 'ulimit -n 512; exec "$0" "$1" doctor --json', process.execPath, BIN]
  const { stdout } = spawnSync('sh', few, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, SEXTANT_DATA_DIR: directory },
  })
  t.match(
    asked(stdout).findings.find(({ check }) => check === 'open files'),
    { level: 'warning', message: /open 512 files/ },
  )
})
