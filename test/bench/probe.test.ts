import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { profileSaver } from '../../bench/profile/save-profiles.ts'
import { openProbes, probeEnvironment } from '../../bench/store/probes.ts'

/** Syncs in every way that there is, once, says so, and then burns time until its input ends. */
const WORK = `
import fs from 'node:fs'
import { fdatasync, fsyncSync, fdatasyncSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
const file = await open(process.argv[3], 'w')
await file.sync()
await file.datasync()
await promisify(fs.fsync)(file.fd)
await promisify(fdatasync)(file.fd)
fsyncSync(file.fd)
fdatasyncSync(file.fd)
function burnTime() { for (let end = performance.now() + 5; performance.now() < end;); }
const timer = setInterval(burnTime, 6)
process.stdin.on('end', () => (clearInterval(timer), file.close())).resume()
console.log('ready')
`

t.test('probe: counts every sync, and profiles what a process does', async (t) => {
  // Not t.testdir(): a Unix socket's path is short.
  const directory = await mkdtemp(join(tmpdir(), 'sextant-probe-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  // What tap has every process load is not for this one.
  const { NODE_OPTIONS: _, ...env } = process.env
  const { NODE_OPTIONS = '', ...probe } = probeEnvironment(directory)
  const script = join(directory, 'sextant.js')
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await writeFile(script, WORK)
  const child = spawn(process.execPath, [script, 'gateway', join(directory, 'file')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env, ...probe, NODE_OPTIONS: NODE_OPTIONS.split(' ').at(-1) },
  })
  t.teardown(() => child.kill())
  await once(child.stdout, 'data')

  const probes = openProbes(directory, [child.pid!])
  t.same(await probes.syncs(), { gateway: 6 })
  await probes.startProfiles()
  await new Promise((resolve) => setTimeout(resolve, 200))
  const profiles = await probes.stopProfiles()
  const saved = join(directory, 'profiles')
  await profileSaver(saved)('some-work', profiles)
  t.same((await readdir(saved)).toSorted(), [
    'some-work-gateway-1.cpuprofile',
    'some-work-gateway.svg',
    'some-work-gateway.txt',
  ])
  t.match(await readFile(join(saved, 'some-work-gateway.svg'), 'utf8'), /data-name="burnTime"/)
  const list = await readFile(join(saved, 'some-work-gateway.txt'), 'utf8')
  t.match(list, /^some-work, gateway, 1 process/)
  t.notMatch(list, /probe\.ts/, 'the profiler is not in it')

  child.stdin.end()
  t.same(await once(child, 'exit'), [0, null], 'the probe keeps no process alive')
})
