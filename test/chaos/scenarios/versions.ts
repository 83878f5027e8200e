import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { saveResult } from '../../support/reliability.ts'
import { sextant } from '../../support/up.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { seed } from '../form.ts'
import { judge } from '../judge.ts'
import { Clients } from '../workload/run-clients.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
/** In each stage clients go on so long, at least. */
const BESIDE_MS = 2_000
const READABLE_MS_MAX = 60_000

interface Release {
  name: string
  commit: string
  directory: string
  bin: string
}

/** The sources of the last release, as of the commit that kept what it writes in test/corpus; none without git's history. */
async function lastRelease(t: Test): Promise<Release | undefined> {
  const kept = await readdir(join(root, 'test/corpus'), { withFileTypes: true })
  const name = kept.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).at(-1)!
  const log = ['log', '--diff-filter=A', '--format=%h', '-1', '--', `test/corpus/${name}/expected.json`]
  const commit = await run('git', log, { cwd: root }).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  )
  if (commit === '') return undefined
  const directory = await mkdtemp(join(tmpdir(), 'sextant-release-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  await run('sh', ['-c', `git archive ${commit} | tar -x -C '${directory}'`], { cwd: root })
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  return { name, commit, directory, bin: join(directory, 'bin/sextant.js') }
}

t.test(
  'the last release is brought to this version under load, as docs/upgrade.md has it: nothing is lost or wrong',
  async (t) => {
    t.comment(`seed ${seed}`)
    const release = await lastRelease(t)
    if (!release) return void t.comment('skipped: git does not know the commit of the last release')
    const old = (command: string, env: Readonly<Record<string, string>>) =>
      run(process.execPath, [release.bin, command], { env: { PATH: process.env.PATH, ...env } })
    const beginsWith = { bin: release.bin, prepare: (env: Readonly<Record<string, string>>) => old('migrate', env) }
    await using cluster = await ChaosCluster.start({
      gateways: 2,
      beginsWith,
      // One reads chunks past the nodes, as on one host, the other asks for them.
      gatewayEnv: (number) => ({ SEXTANT_LOCAL_READS: String(number === 1) }),
    })
    const over = Promise.withResolvers<void>()
    using clients = await Clients.open({ cluster, bucket: 'versions', seed, operations: 0, until: over.promise })
    const running = clients.run()
    t.teardown(() => over.resolve())
    const serve = async () => {
      await sleep(BESIDE_MS)
      await clients.readAll(READABLE_MS_MAX)
    }
    await serve()
    const { code, stderr } = await sextant(cluster.directory, ['migrate'], cluster.commandEnv()).ended
    t.equal(code, 0, stderr)
    await serve()
    // Nodes come before gateways.
    const half = cluster.nodes.length / 2
    const stages = [cluster.nodes.slice(0, half), cluster.nodes.slice(half), ...cluster.gateways.map((one) => [one])]
    for (const members of stages) {
      for (const member of members) {
        await member.stop()
        await member.start({})
      }
      await serve()
    }
    over.resolve()
    await running

    // A step down is refused: the database is of this version.
    const refusals: string[] = []
    for (const command of ['gateway', 'storage-node']) {
      const data = { SEXTANT_DATA_DIR: join(release.directory, 'data'), SEXTANT_S3_PORT: '0', SEXTANT_NODE_PORT: '0' }
      const refusal = await old(command, { ...cluster.commandEnv(), ...data }).catch(
        (error: { stderr: string }) => error,
      )
      refusals.push(refusal.stderr)
    }
    for (const refusal of refusals) t.match(refusal, /^The database was migrated by a newer Sextant/)
    const { ledger } = clients
    const result = await judge(t, cluster, clients)
    await saveResult({
      name: 'versions beside each other',
      test: 'test/chaos/scenarios/versions.ts',
      promise:
        'The last release is brought to this version under load, one process after the other: both serve one store beside each other, nothing is lost or wrong, and the way down is refused',
      passed: t.passing(),
      runs: `${release.name}, as of ${release.commit}, migrated and then exchanged in ${stages.length} stages, ${cluster.nodes.length} nodes and then ${cluster.gateways.length} gateways, all keys read after each; ${ledger.answered} operations`,
      result: `${result}; ${refusals.length} processes of ${release.name} refused the newer database`,
    })
  },
)
