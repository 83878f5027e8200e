import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { dataDirectory, gone, kill, processesOn, sextant } from '../../support/up.ts'

const small = { SEXTANT_NODES: '2', SEXTANT_PARITY: '0' }

t.test('up: kill -9 leaves nothing, and the next start works at once, with the same keys', async (t) => {
  const directory = await dataDirectory(t)
  const first = await sextant(directory, ['up', '--json'], small).ready
  kill(first.pid, 'SIGKILL')
  // Not a moment to breathe: the old children are still on their way out.
  const second = sextant(directory, ['up', '--json'], small)
  const ready = await second.ready
  t.equal(ready.accessKeyId, first.accessKeyId)
  t.equal(ready.secretAccessKey, first.secretAccessKey)
  t.comment(`start after kill -9: ${ready.startMs} ms`)
  const old = new Set(first.processes.map(({ pid }) => pid))
  t.notOk(
    (await processesOn(directory)).some(({ pid }) => old.has(pid)),
    'the old children are gone',
  )

  kill(ready.pid, 'SIGKILL')
  await second.ended
  t.same(await gone(directory, 60_000), [], 'nothing is left')

  const third = sextant(directory, ['up', '--json'], small)
  const { startMs } = await third.ready
  t.comment(`later start: ${startMs} ms`)
  third.child.kill('SIGINT')
  t.match(await third.ended, { code: 0, signal: null })
  t.same(await gone(directory, 0), [], 'nothing is left')
})

for (const [how, script] of Object.entries({
  // What npm does, without npm: a process between us and the store, its variable, and mostly a shell.
  'a process': `spawn(process.execPath, args, { stdio: 'inherit' })`,
  'a process with a shell': `spawn('sh', ['-c', '"$0" "$@"; exit', process.execPath, ...args], { stdio: 'inherit' })`,
})) {
  t.test(`up: run by npm (${how}), it ends with npm, even if that is killed`, async (t) => {
    const directory = await dataDirectory(t)
    const bin = new URL('../../../bin/sextant.js', import.meta.url).pathname
    const prelude = `const { spawn } = require('node:child_process'); const args = process.argv.slice(1);`
    const parent = spawn(process.execPath, ['-e', prelude + script, bin, 'up', '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        PATH: process.env.PATH,
        npm_lifecycle_event: 'start',
        SEXTANT_DATA_DIR: directory,
        SEXTANT_S3_PORT: '0',
        SEXTANT_ADMIN_PORT: '0',
        ...small,
      },
    })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    t.match(line.toString(), /^\{"ready":true/)
    parent.kill('SIGKILL')
    t.same(await gone(directory, 60_000), [], 'nothing is left')
  })
}

t.test('up: told to stop in the middle of the start, it undoes what it began', async (t) => {
  const directory = await dataDirectory(t)
  for (const afterMs of [150, 900]) {
    const { child, ended } = sextant(directory, ['up', '--json'], small)
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    child.kill('SIGTERM')
    t.match(await ended, { stdout: '' }, `after ${afterMs} ms`)
    t.same(await gone(directory, 0), [], 'nothing is left')
  }
})
