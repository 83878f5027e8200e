import type { Command } from 'commander'
import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { makeLog } from '../../base/log.ts'
import { systemClock, systemRandom } from '../../base/system.ts'

export function addUpCommand(program: Command): void {
  program
    .command('up')
    .description('start PostgreSQL, the storage nodes and the gateway on this machine, and keep them running')
    .option('--json', 'tell in one line of JSON when everything serves')
    .addHelpText('after', '\nSIGTERM and Ctrl-C finish what is under way and stop everything; a second one hurries.')
    .action(async ({ json = false }: { json?: boolean }) => {
      const source = processConfig()
      const given = readSettings(source)
      // A terminal is for people: what goes well is told once, in the announcement.
      const settings = source.env.SEXTANT_LOG_LEVEL ? given : { ...given, logLevel: 'warn' as const }
      const { runUp } = await import('../up/up.ts')
      const log = makeLog(settings.logLevel, { process: 'up' })
      process.exitCode = await runUp({ settings, source, clock: systemClock, random: systemRandom, log, json })
    })
}
