import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { findProgram, run } from '../../../conformance/support/program.ts'
import { StoreUnderTest } from '../../support/store.ts'
import { gone } from '../../support/up.ts'
import { blockBelow } from '../markdown.ts'
import { newcomerEnvironment, succeeded } from '../newcomer.ts'

/** Every block of docs/first-steps.md as it stands there, but for the endpoint and the keys. */
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
const page = await readFile(join(REPOSITORY, 'docs', 'first-steps.md'), 'utf8')

/** A directory in which `npx sextant` is this repository's, as after `npm install`, and the SDK is found. */
async function workplace(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-steps-'))
  t.teardown(() => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))
  const modules = join(directory, 'node_modules')
  await mkdir(join(modules, '.bin'), { recursive: true })
  await symlink(REPOSITORY, join(modules, 'sextant'))
  await symlink(join(REPOSITORY, 'node_modules', '@aws-sdk'), join(modules, '@aws-sdk'))
  await symlink('../sextant/bin/sextant.js', join(modules, '.bin', 'sextant'))
  await writeFile(join(directory, 'package.json'), '{ "private": true, "type": "module" }')
  return directory
}

t.test('first steps: each client does what its block says, and a store for tests starts and stops', async (t) => {
  await using store = new StoreUnderTest()
  await store.start()
  const { endpoint, accessKeyId, secretAccessKey } = store.announced
  const cwd = await workplace(t)
  const programs = [dirname(process.execPath), dirname(findProgram('aws')), dirname(findProgram('rclone'))]
  const plain = newcomerEnvironment()
  const env = {
    ...plain,
    HOME: cwd,
    PATH: [...programs, plain.PATH].join(delimiter),
    SEXTANT_DATA_DIR: store.directory,
  }
  const filled = (text: string) =>
    text
      .replaceAll('http://127.0.0.1:8080', endpoint)
      .replace('AWS_ACCESS_KEY_ID=…', `AWS_ACCESS_KEY_ID=${accessKeyId}`)
      .replace('AWS_SECRET_ACCESS_KEY=…', `AWS_SECRET_ACCESS_KEY=${secretAccessKey}`)
  const settings = filled(blockBelow(page, 'First steps').text)
  t.notMatch(settings, '…', 'nothing else is to be filled in')
  const inShell = (lines: string, more: NodeJS.ProcessEnv = {}) =>
    run('bash', ['-euc', `${settings}\n${filled(lines)}`], { cwd, env: { ...env, ...more } })

  const own = page.slice(page.indexOf('The root account'))
  const account = await inShell(blockBelow(`# Own\n${own}`, 'Own').text)
  succeeded(t, account, 'an account and a key')
  t.match(account.stdout.toString(), /secret/i)

  succeeded(t, await inShell(blockBelow(page, 'aws cli').text), 'aws cli')
  t.equal(await readFile(join(cwd, 'back.txt'), 'utf8'), 'hello\n')

  await writeFile(join(cwd, 'steps.ts'), filled(blockBelow(page, 'Node, TypeScript', 'ts').text))
  const byNode = await inShell('node steps.ts')
  succeeded(t, byNode, 'Node')
  t.equal(byNode.stdout.toString(), 'hello\n')

  await writeFile(join(cwd, 'steps.py'), filled(blockBelow(page, 'Python', 'python').text))
  const byPython = await inShell(`${findProgram('python3')} steps.py`)
  succeeded(t, byPython, 'Python')
  const [said, url] = byPython.stdout.toString().split('\n')
  t.equal(said, 'hello')
  t.equal(await (await fetch(url!)).text(), 'hello', 'by the URL that it signed')

  succeeded(t, await inShell(blockBelow(page, 'rclone').text), 'rclone')
  t.match((await inShell('aws s3 ls --recursive s3://by-rclone')).stdout.toString(), 'album/one.txt')

  const inTests = page.slice(page.indexOf('## In tests and CI'))
  const stop = blockBelow(`# Stop\n${inTests.slice(inTests.indexOf('Stop it by'))}`, 'Stop').text
  const another = await inShell(
    `${blockBelow(page, 'In tests and CI, in place of LocalStack or MinIO').text}
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test-secret
    aws s3 mb s3://of-the-tests && echo "$SEXTANT_DATA_DIR"
    ${stop}
    wait`,
  )
  succeeded(t, another, 'a store for tests')
  const [made, directory = ''] = another.stdout.toString().trim().split('\n')
  t.equal(made, 'make_bucket: of-the-tests')
  t.same(await gone(directory, 10_000), [], 'nothing runs on its directory any more')
  await rm(directory, { recursive: true })
})
