import type { Command } from 'commander'
import { printJson } from '../output.ts'

interface Options {
  dryRun?: true
  quick?: true
  json?: true
}

export function addFsckCommand(program: Command): void {
  program
    .command('fsck')
    .description('compare the database with the storage nodes, both ways')
    .option('--dry-run', 'only look: queue nothing for repair, change no row')
    .option('--quick', 'do not read what chunks say of themselves: only that they are there, and how long')
    .option('--json', 'as one line of JSON')
    .addHelpText(
      'after',
      '\nThe store may go on working. Exit code: 0 all is sound, 1 something is wrong.\nWhat the chunks hold is verified by `sextant scrub`.',
    )
    .action(async ({ dryRun = false, quick = false, json = false }: { [N in keyof Options]?: boolean }) => {
      const { fsckLines, runFsck } = await import('./fsck-work.ts')
      const outcome = await runFsck({ isDryRun: dryRun, isQuick: quick, isSilent: json })
      if (json) printJson(outcome)
      else process.stdout.write(`${fsckLines(outcome).join('\n')}\n`)
      if (!outcome.ok) process.exitCode = 1
    })
}
