import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { migrate } from '../../../src/meta/migrate.ts'
import { openChunkDisk } from '../../../src/storage-node/disk/open.ts'
import { execute, openTestDatabase } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { dataDirectory, gone, sextant } from '../../support/up.ts'

/** Whatever was written by a newer version is refused in one sentence, with exit code 1, and left as it is. */
const db = await openTestDatabase({ migrated: false })
t.teardown(() => db[Symbol.asyncDispose]())

const SECRETS = { SEXTANT_SEALING_KEY: '0'.repeat(64), SEXTANT_CLUSTER_TOKEN: 'a-token-for-tests' }
const NEWER = 'The database was migrated by a newer Sextant: start that version, or a later one.\n'
const OLDER = 'The database is of an older Sextant: bring it to this version first, by `sextant migrate`.\n'
const NONE = 'No Sextant has been in this database: make its tables first, by `sextant migrate`.\n'

async function migrated(change?: string): Promise<string> {
  const url = await db.anotherUrl()
  await migrate({ url, log: silentLog, signal: new AbortController().signal })
  if (change !== undefined) await execute(url, change)
  return url
}

/** All that tells whether somebody wrote to it. */
async function stateOf(url: string): Promise<unknown> {
  const [steps, writes] = await Promise.all([
    execute(url, 'select name from sextant_migrations order by id'),
    execute(url, 'select count(*) from storage_servers union all select count(*) from accounts'),
  ])
  return { steps, writes }
}

/** How often, of each. */
const refused = { database: 0, older: 0, directory: 0 }

const newerStep = `insert into sextant_migrations (name, run_on) values ('9999_future', now())`
const lastStepGone = 'delete from sextant_migrations where id = (select max(id) from sextant_migrations)'

t.test('versions: a database that a newer Sextant has migrated is refused by every process and command', async (t) => {
  const directory = await dataDirectory(t)
  const url = await migrated(newerStep)
  const before = await stateOf(url)
  const byMigrate =
    /^The database cannot be used: The database was migrated by a newer Sextant \(step 9999_future\): .*\.\n$/
  const cases: [string, string | RegExp][] = [
    ['up', byMigrate],
    ['gateway', NEWER],
    ['storage-node', NEWER],
    ['status', NEWER],
  ]
  const refuse = async ([command, stderr]: (typeof cases)[number]) => {
    const env = { ...SECRETS, DATABASE_URL: url, SEXTANT_NODES: '1', SEXTANT_PARITY: '0' }
    const ended = await sextant(join(directory, command), [command], env).ended
    t.match(ended, { code: 1, stdout: '', stderr }, command)
    if (typeof stderr === 'string') t.equal(ended.stderr, stderr)
    refused.database += ended.code === 1 ? 1 : 0
  }
  await Promise.all(cases.map(refuse))
  t.same(await stateOf(url), before, 'and nothing was written')
  t.same(await gone(directory, 0), [])
})

t.test('versions: gateways and commands wait for `sextant migrate`; nodes, which need less, do not', async (t) => {
  const directory = await dataDirectory(t)
  const refuse = async (command: string, url: string, stderr: string) => {
    const ended = await sextant(directory, [command], { ...SECRETS, DATABASE_URL: url }).ended
    t.same([ended.code, ended.stderr], [1, stderr], command)
    refused.older += ended.code === 1 ? 1 : 0
  }
  const older = await migrated(lastStepGone)
  const none = await db.anotherUrl()
  await Promise.all([refuse('gateway', older, OLDER), refuse('status', older, OLDER), refuse('gateway', none, NONE)])
})

t.test('versions: a directory that a newer storage node has written is refused, by the node and by up', async (t) => {
  const directory = await dataDirectory(t)
  const url = await migrated()
  const env = { ...SECRETS, DATABASE_URL: url, SEXTANT_NODES: '1', SEXTANT_PARITY: '0' }
  const node = join(directory, 'nodes', '1')
  await mkdir(join(directory, 'nodes'), { recursive: true })
  const deps = { clock: systemClock, random: systemRandom, log: silentLog }
  await (await openChunkDisk({ directory: node }, deps))[Symbol.asyncDispose]()
  const identity = join(node, 'node.json')
  const { serverId } = JSON.parse(await readFile(identity, 'utf8')) as { serverId: string }
  await writeFile(identity, JSON.stringify({ serverId, diskFormat: 2 }))
  await writeFile(join(node, 'tmp', 'of-the-newer-version'), 'x')
  const copy = join(directory, 'copy')
  await cp(node, copy, { recursive: true })

  const sentence = `The directory ${node} was written by a newer version (disk format 2; this one knows 1).`
  const alone = await sextant(node, ['storage-node'], { ...env, SEXTANT_NODE_PORT: '0' }).ended
  t.same([alone.code, alone.stderr], [1, `${sentence}\n`])
  const all = await sextant(directory, ['up'], env).ended
  t.equal(all.code, 1)
  refused.directory = [alone, all].filter(({ code }) => code === 1).length
  t.ok(all.stderr.includes(sentence), all.stderr)
  t.equal(all.stderr.trim().split('\n').length, 1, 'in one sentence')
  t.same(await contentOf(node), await contentOf(copy), 'and nothing in it was touched')
  await rm(copy, { recursive: true })
})

t.test('versions: all that is refused', async () => {
  await saveResult({
    name: 'newer versions refused',
    test: 'test/cli/scenarios/versions.ts',
    promise:
      'What a newer version wrote is refused in one sentence, and left as it is; what an older one wrote, until it is migrated',
    passed: t.passing(),
    runs: `a newer database, by ${refused.database} commands; an older one and an empty one, by ${refused.older}; a newer node's directory, by ${refused.directory}`,
    result: `${refused.database + refused.older + refused.directory} refused with exit code 1, nothing written`,
  })
})

async function contentOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const contents = await Promise.all(
    files.map(async (file) => `${file.slice(directory.length)} ${await readFile(file, 'base64')}`),
  )
  return contents.sort()
}
