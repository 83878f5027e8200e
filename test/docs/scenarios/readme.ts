import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { findProgram, run } from '../../../conformance/support/program.ts'
import { gone, kill, processesOn } from '../../support/up.ts'
import { blockBelow } from '../markdown.ts'
import { newcomerEnvironment, succeeded } from '../newcomer.ts'

/** The README's own lines, as a newcomer pastes them: a clean clone in an empty directory, and nothing set but free ports. */
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
const INSTALLED_MS_MAX = 600_000
const STOPPED_MS_MAX = 60_000

/** An empty directory with a clone of what is committed; all that runs in it ends with the test. */
async function cleanClone(t: Test): Promise<{ home: string; clone: string }> {
  const home = await mkdtemp(join(tmpdir(), 'sextant-readme-'))
  t.teardown(async () => {
    for (const { pid } of await processesOn(home)) kill(pid, 'SIGKILL')
    await gone(home, 5000)
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  })
  const clone = join(home, 'sextant')
  const { code, stderr } = await run('git', ['clone', '--quiet', REPOSITORY, clone], { env: process.env })
  if (code !== 0) throw new Error(`git clone: ${stderr}`)
  return { home, clone }
}

interface Started {
  child: ChildProcess
  /** What it told, up to the line to paste. */
  said: string
}

/** Runs it as a terminal would, in a process group of its own, until it has told the line to paste. */
async function startBy(lines: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Started> {
  const child = spawn('sh', ['-c', lines], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (data: Buffer) => {
    errors = (errors + data).slice(-20_000)
  })
  const told = Promise.withResolvers<string>()
  let said = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    said += `${line}\n`
    if (/^ +AWS_ACCESS_KEY_ID=.* aws /.test(line)) told.resolve(said)
  })
  child.on('close', (code) => told.reject(new Error(`it ended with ${code}: ${said}${errors}`)))
  const late = setTimeout(() => told.reject(new Error(`nothing to paste: ${said}${errors}`)), INSTALLED_MS_MAX)
  try {
    return { child, said: await told.promise }
  } finally {
    clearTimeout(late)
  }
}

t.test('README: its lines set up, use and stop a store in an empty directory', async (t) => {
  const { home, clone } = await cleanClone(t)
  const readme = await readFile(join(clone, 'README.md'), 'utf8')
  const env = newcomerEnvironment()
  const start = blockBelow(readme, 'Run it').text
  const ports = { SEXTANT_S3_PORT: '0', SEXTANT_ADMIN_PORT: '0', npm_config_prefer_offline: 'true' }
  const { child, said } = await startBy(start, clone, { ...env, ...ports })

  const printed = /^ +(AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+) .*--endpoint-url (\S+) .*)$/m.exec(said)!
  const [, paste, accessKeyId, secretAccessKey, endpoint] = printed as unknown as [
    string,
    string,
    string,
    string,
    string,
  ]
  const terminal = { ...env, HOME: home, PATH: [dirname(findProgram('aws')), env.PATH].join(delimiter) }
  const inTerminal = (lines: string, cwd = home) => run('bash', ['-euxc', lines], { env: terminal, cwd })
  const pasted = await inTerminal(paste)
  succeeded(t, pasted, 'the line that was printed')
  t.match(pasted.stdout.toString(), 'make_bucket: first-bucket')

  // What the reader brings along.
  const photo = randomBytes(9 * 1024 * 1024)
  await mkdir(join(home, 'album'))
  await writeFile(join(home, 'holiday.jpg'), photo)
  await writeFile(join(home, 'album', 'one.jpg'), randomBytes(1000))
  const minute = blockBelow(readme, 'A first minute with `aws s3`').text
  t.match(minute, 'http://127.0.0.1:8080', 'it names the default endpoint')
  const filled = minute
    .replace('AWS_ACCESS_KEY_ID=…', `AWS_ACCESS_KEY_ID=${accessKeyId}`)
    .replace('AWS_SECRET_ACCESS_KEY=…', `AWS_SECRET_ACCESS_KEY=${secretAccessKey}`)
    .replace('http://127.0.0.1:8080', endpoint)
  t.notMatch(filled, '…', 'nothing else is to be filled in')
  const ran = await inTerminal(filled)
  succeeded(t, ran, 'the first minute')
  const output = ran.stdout.toString()
  t.match(output, /9437184 2026\/holiday\.jpg/, 'listed')
  t.match(output, /1000 album\/one\.jpg/, 'synchronised')
  const signed = /^http\S+X-Amz-Signature\S+|^http\S+Signature=\S+/m.exec(output)?.[0] ?? 'none'
  const read = await fetch(signed)
  t.equal(read.status, 200)
  t.equal(sha256(await read.bytes()), sha256(photo), 'read back by the URL that was signed')

  const commands = blockBelow(readme, 'Settings, command line').text
  const looks = commands
    .split('\n')
    .filter((line) => /^npx sextant (status|repair|scrub|orphans|fsck|--help)/.test(line))
  t.equal(looks.length, 6)
  for (const line of looks) {
    succeeded(t, await inTerminal(line, clone), line.split('#')[0]!.trim())
  }

  const ended = once(child, 'close', { signal: AbortSignal.timeout(STOPPED_MS_MAX) })
  process.kill(-child.pid!, 'SIGINT') // as Ctrl-C does: to all of the group
  await ended
  t.same(await gone(home, 10_000), [], 'nothing runs any more')
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
