import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { settings } from '../../src/base/config.ts'
import { sextant } from '../support/up.ts'

t.test('sextant: every command has help, and a wrong one is usage', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-commands-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const run = (...args: string[]) => sextant(directory, args).ended
  const names = [
    'up',
    'gateway',
    'storage-node',
    'migrate',
    'account',
    'key',
    'bucket',
    'status',
    'node',
    'repair',
    'scrub',
    'rebalance',
    'fsck',
    'backup',
    'rebuild-catalogue',
    'config',
    'doctor',
    'completion',
    'init',
  ]
  const helps = await Promise.all([
    run('--help'),
    ...names.map((name) => run(name, '--help')),
    run('account', 'create', '--help'),
    run('key', 'create', '--help'),
  ])
  for (const { code, stdout, stderr } of helps) {
    t.equal(code, 0)
    t.match(stdout, /^Usage: sextant/)
    t.equal(stderr, '', 'no warnings')
  }
  for (const name of names) t.ok(helps[0]?.stdout.includes(`  ${name}`), name)
  t.match(await run('--version'), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })

  t.match(await run('dance'), { code: 2, stderr: /unknown command 'dance'/ })
  t.match(await run('config', '--colour'), { code: 2, stderr: /unknown option '--colour'/ })
  t.match(await run('key', 'create'), { code: 2, stderr: /--account/ })
  t.match(await run('key', 'create', '--account', 'a', '--policy', 'f'), {
    code: 1,
    stderr: /policy in f cannot be taken/,
  })
  t.match(await run('key', 'set-policy', 'a'), { code: 2, stderr: /--policy or --none/ })
  t.match(await run('key', 'expire', 'a', 'soon'), { code: 2, stderr: /"soon" is no time/ })
  t.match(await run('key', 'rotate', 'a', '--grace', '1'), { code: 2, stderr: /"1" is no time/ })
  t.match(await run('account', 'list'), {
    code: 1,
    stderr: /^No store runs on the data directory .* DATABASE_URL\.\n$/,
  })
  t.match(await run('repair', '--pause', '--resume'), { code: 2, stderr: /cannot be used with/ })
  t.match(await run('scrub', '--status', '--wait'), { code: 2, stderr: /cannot be used with/ })
  t.match(await run('gateway'), { code: 2, stderr: /DATABASE_URL.* must be set/ })
})

t.test('sextant config: every setting with value, default and origin; secrets are masked', async (t) => {
  const env = { SEXTANT_CLUSTER_TOKEN: 'a-token-that-is-secret', SEXTANT_REGION: 'eu-central-1' }
  const { code, stdout } = await sextant('/nowhere', ['config', '--json'], env).ended
  t.equal(code, 0)
  const rows = JSON.parse(stdout) as { name: string; value: string | null; default: string | null; origin: string }[]
  t.equal(rows.length, settings().length)
  const row = (name: string) => rows.find((one) => one.name === name)
  t.match(row('SEXTANT_REGION'), { value: 'eu-central-1', default: 'us-east-1', origin: 'environment' })
  t.match(row('SEXTANT_NODES'), { value: '6', default: '6', origin: 'default' })
  t.match(row('SEXTANT_SEALING_KEY'), { value: null, default: null, origin: 'not set' })
  t.match(row('SEXTANT_CLUSTER_TOKEN'), { value: '********', origin: 'environment' })
  const table = await sextant('/nowhere', ['config'], env).ended
  for (const text of [stdout, table.stdout]) t.notOk(text.includes('a-token-that-is-secret'))
  t.equal(table.stdout.split('\n').length, settings().length + 2)
})
