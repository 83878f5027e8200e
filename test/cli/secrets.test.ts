import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readSettings } from '../../src/base/config.ts'
import { systemRandom } from '../../src/base/system.ts'
import { loadSecrets } from '../../src/cli/up/secrets.ts'

async function scratch(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-secrets-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'secrets')
}

const settings = (env: Record<string, string> = {}) => readSettings({ env, readFile: () => '' })
const load = (directory: string, env: Record<string, string> = {}) =>
  loadSecrets(directory, settings(env), systemRandom)
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

t.test('secrets: the first start makes them, for the owner alone; a later one has the same', async (t) => {
  const directory = await scratch(t)
  const made = await load(directory)
  t.match(made.root.accessKeyId, /^AKIA[A-Z2-7]{16}$/)
  t.match(made.root.secretAccessKey, /^[A-Za-z0-9]{40}$/)
  t.equal(made.sealingKey.length, 32)
  t.match(made.clusterToken, /^[0-9a-f]{64}$/)
  t.equal(await modeOf(directory), '700')
  for (const file of ['root-credentials.json', 'sealing-key', 'cluster-token'])
    t.equal(await modeOf(join(directory, file)), '600', file)
  t.same(await load(directory), made)
  t.notSame(await load(await scratch(t)), made)
})

t.test('secrets: root credentials of the environment win, and are kept', async (t) => {
  const directory = await scratch(t)
  await load(directory)
  const env = { SEXTANT_ROOT_ACCESS_KEY_ID: 'ROOTKEY', SEXTANT_ROOT_SECRET_ACCESS_KEY: 'a-secret-of-root' }
  const given = { accessKeyId: 'ROOTKEY', secretAccessKey: 'a-secret-of-root' }
  t.same((await load(directory, env)).root, given)
  t.same((await load(directory)).root, given)
})

t.test('secrets: half of the root credentials is refused', async (t) => {
  const directory = await scratch(t)
  await t.rejects(load(directory, { SEXTANT_ROOT_ACCESS_KEY_ID: 'ROOTKEY' }), {
    exitCode: 2,
    message: /belong together/,
  })
})

t.test('secrets: a sealing key that is not the one in use is refused, without showing either', async (t) => {
  const directory = await scratch(t)
  const { sealingKey } = await load(directory)
  const other = 'ab'.repeat(32)
  const error = await load(directory, { SEXTANT_SEALING_KEY: other }).catch((error: Error) => error)
  t.match(error, { message: /SEXTANT_SEALING_KEY is not the key/ })
  t.notMatch(error, { message: new RegExp(`${other}|${sealingKey.toString('hex')}`) })
  t.same((await load(directory, { SEXTANT_SEALING_KEY: sealingKey.toString('base64') })).sealingKey, sealingKey)
})

t.test('secrets: a given sealing key or token is not written down', async (t) => {
  const directory = await scratch(t)
  await load(directory, { SEXTANT_SEALING_KEY: 'cd'.repeat(32), SEXTANT_CLUSTER_TOKEN: 'token-of-the-cluster' })
  for (const file of ['sealing-key', 'cluster-token'])
    await t.rejects(readFile(join(directory, file)), { code: 'ENOENT' }, file)
})

t.test('secrets: files that others could read are closed; damaged ones are told', async (t) => {
  const directory = await scratch(t)
  await load(directory)
  const file = join(directory, 'root-credentials.json')
  await chmod(file, 0o644)
  await load(directory)
  t.equal(await modeOf(file), '600')
  await writeFile(file, '{"accessKeyId": 1}')
  await t.rejects(load(directory), { message: /root-credentials\.json is damaged/ })
  await writeFile(join(directory, 'sealing-key'), 'abc')
  await rm(file)
  await t.rejects(load(directory), { message: /sealing-key is damaged/ })
})
