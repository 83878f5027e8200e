import { type Command, Option } from 'commander'
import { readSettings, type Settings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { makeLog } from '../../base/log.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { printJson } from '../output.ts'

/** The parts of the store, one by one, for many machines: everything comes from the environment. */
export function addProcessCommands(program: Command): void {
  program
    .command('gateway')
    .description('run one S3 gateway (DATABASE_URL, SEXTANT_CLUSTER_TLS_… and SEXTANT_SEALING_KEY must be set)')
    .addOption(new Option('--supervised').hideHelp())
    .addOption(new Option('--share-port').hideHelp())
    .addOption(new Option('--no-admin').hideHelp())
    .action(async (options: { supervised?: true; sharePort?: true; admin: boolean }) => {
      const deps = makeDeps('gateway')
      const { runGateway } = await import('../processes/gateway.ts')
      process.exitCode = await runGateway(deps, {
        isSupervised: options.supervised ?? false,
        sharesPort: options.sharePort ?? false,
        hasAdmin: options.admin,
      })
    })
  program
    .command('storage-node')
    .description('run one storage node (DATABASE_URL, SEXTANT_CLUSTER_TLS_… and SEXTANT_DATA_DIR must be set)')
    .addOption(new Option('--supervised').hideHelp())
    .action(async (options: { supervised?: true }) => {
      const deps = makeDeps('storage-node')
      const { runStorageNode } = await import('../processes/storage-node.ts')
      process.exitCode = await runStorageNode(deps, { isSupervised: options.supervised ?? false })
    })
  program
    .command('migrate')
    .description('bring the database to this version, and make the root account if its keys are set')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const { runMigrate } = await import('../processes/migrate.ts')
      const steps = await runMigrate(makeDeps('migrate'))
      if (json) printJson({ steps })
      else process.stdout.write(steps === 0 ? 'the database is up to date\n' : `${steps} steps taken\n`)
    })
}

function makeDeps(name: string) {
  const settings: Settings = readSettings(processConfig())
  const log = makeLog(settings.logLevel, { process: name, pid: process.pid })
  return { settings, log, clock: systemClock, random: systemRandom }
}
