import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/system.ts'
import { takeDataDirectory } from '../../src/cli/up/data-directory.ts'

async function scratch(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-data-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function take(directory: string, waitMs = 0) {
  let waited = 0
  const onWait = () => waited++
  const signal = new AbortController().signal
  const taken = takeDataDirectory(directory, { clock: systemClock, waitMs, onWait, signal })
  return Object.assign(taken, { waited: () => waited })
}

t.test('data directory: taken once; the second is told who has it', async (t) => {
  const directory = join(await scratch(t), 'made', 'too')
  {
    await using first = await take(directory)
    t.equal(first.paths.root, directory)
    t.equal(await readFile(join(directory, 'lock'), 'utf8'), `${process.pid}\n`)
    await t.rejects(take(directory, 10_000), {
      message: `The data directory ${directory} is in use by another \`sextant up\`, process ${process.pid}.`,
      exitCode: 1,
    })
  }
  await using again = await take(directory)
  t.ok(again)
})

t.test('data directory: held by what a killed start left, it is waited for', async (t) => {
  const directory = await scratch(t)
  // A process that is gone, and a lock that a child of it still holds by inheritance.
  const gone = spawn('true')
  await new Promise((resolve) => gone.once('exit', resolve))
  await writeFile(join(directory, 'lock'), `${gone.pid}\n`)
  const handle = await open(join(directory, 'lock'), 'r+')
  t.ok(tryLock(handle.fd))
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', handle.fd] })
  t.teardown(() => child.kill('SIGKILL'))
  await handle.close()

  await t.rejects(take(directory, 200), { message: /still held by processes of an earlier start/ })
  const taking = take(directory, 20_000)
  await systemClock.sleep(150)
  t.equal(taking.waited(), 1, 'told once')
  child.stdin!.end()
  await using taken = await taking
  t.equal(await readFile(join(directory, 'lock'), 'utf8'), `${process.pid}\n`)
  t.ok(taken.lockFd > 2)
})

t.test('data directory: one whose owner is stopping is waited for', async (t) => {
  const directory = await scratch(t)
  const first = await take(directory)
  await first.noteStopping()
  await t.rejects(take(directory, 100), { message: /still held by processes of an earlier start/ })
  const taking = take(directory, 20_000)
  await systemClock.sleep(50)
  await first[Symbol.asyncDispose]()
  await using second = await taking
  t.ok(second)
  await t.rejects(take(directory, 10_000), { message: /in use by another/ }, 'the note went with its owner')
})

t.test('data directory: one that cannot be made is told with the variable', async (t) => {
  const file = join(await scratch(t), 'file')
  await writeFile(file, '')
  await t.rejects(take(join(file, 'data')), {
    message: /cannot be made \(ENOTDIR\): choose another by SEXTANT_DATA_DIR/,
  })
})
