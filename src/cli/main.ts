import { Command, CommanderError } from 'commander'
import { ConfigError } from '../base/config.ts'
import { addAccountCommands } from './commands/account.ts'
import { addBackupCommands } from './commands/backup.ts'
import { addBenchCommand } from './commands/bench.ts'
import { addBucketCommands } from './commands/bucket.ts'
import { addCertCommands } from './commands/cert.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addConfigCommand } from './commands/config.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEncryptionCommands } from './commands/encryption.ts'
import { addFsckCommand } from './commands/fsck.ts'
import { addImportCommand } from './commands/import.ts'
import { addInitCommand } from './commands/init.ts'
import { addKeyCommands } from './commands/key.ts'
import { addNodeCommands } from './commands/node.ts'
import { addOrphansCommand } from './commands/orphans.ts'
import { addProcessCommands } from './commands/processes.ts'
import { addRebalanceCommand } from './commands/rebalance.ts'
import { addRebuildCatalogueCommand } from './commands/rebuild-catalogue.ts'
import { addRepairCommand } from './commands/repair.ts'
import { addScrubCommand } from './commands/scrub.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTopCommand } from './commands/top.ts'
import { addTraceCommand } from './commands/trace.ts'
import { addUpCommand } from './commands/up.ts'
import { CommandFailure } from './failure.ts'
import { readVersion } from './version.ts'

/** Runs one `sextant …` command line; answers its exit code: 0, 1 it failed, 2 it was asked for wrongly. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const program = makeProgram()
  try {
    await program.parseAsync(args, { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    return tell(error)
  }
}

/** All commands, with nothing of their work loaded yet. */
export function makeProgram(): Command {
  const program = new Command('sextant')
    .description('An S3-compatible object store: six erasure-coded chunks on storage nodes, metadata in PostgreSQL.')
    .version(readVersion())
    .helpCommand('help [command]', 'show what a command does')
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', '\nExit code: 0 done; 1 it failed, or something is wrong; 2 it was asked for wrongly.')
    .exitOverride()
  addUpCommand(program)
  addProcessCommands(program)
  addAccountCommands(program)
  addKeyCommands(program)
  addBucketCommands(program)
  addEncryptionCommands(program)
  addImportCommand(program)
  addStatusCommand(program)
  addTopCommand(program)
  addTraceCommand(program)
  addBenchCommand(program)
  addNodeCommands(program)
  addRepairCommand(program)
  addScrubCommand(program)
  addRebalanceCommand(program)
  addFsckCommand(program)
  addOrphansCommand(program)
  addBackupCommands(program)
  addRebuildCatalogueCommand(program)
  addInitCommand(program)
  addCertCommands(program)
  addConfigCommand(program)
  addDoctorCommand(program)
  addCompletionCommand(program)
  for (const command of program.commands) inheritExit(command)
  return program
}

/** Subcommands that were added by description do not throw by themselves. */
function inheritExit(command: Command): void {
  command.exitOverride()
  command.showHelpAfterError('(--help tells more)')
  for (const child of command.commands) inheritExit(child)
}

/** Sentences for what people can mend; anything else is a bug, and shows where. */
function tell(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`)
    return 2
  }
  if (error instanceof CommandFailure) {
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}
