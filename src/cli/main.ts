import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../base/config.ts'
import { addAccountCommands } from './commands/account.ts'
import { addConfigCommand } from './commands/config.ts'
import { addKeyCommands } from './commands/key.ts'
import { addProcessCommands } from './commands/processes.ts'
import { addRepairCommand } from './commands/repair.ts'
import { addScrubCommand } from './commands/scrub.ts'
import { addStatusCommand } from './commands/status.ts'
import { addUpCommand } from './commands/up.ts'
import { CommandFailure } from './failure.ts'

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

function makeProgram(): Command {
  const program = new Command('sextant')
    .description('An S3-compatible object store: six erasure-coded chunks on storage nodes, metadata in PostgreSQL.')
    .version(readVersion())
    .helpCommand('help [command]', 'show what a command does')
    .showHelpAfterError('(--help tells more)')
    .exitOverride()
  addUpCommand(program)
  addProcessCommands(program)
  addAccountCommands(program)
  addKeyCommands(program)
  addStatusCommand(program)
  addRepairCommand(program)
  addScrubCommand(program)
  addConfigCommand(program)
  for (const command of program.commands) inheritExit(command)
  return program
}

/** Subcommands that were added by description do not throw by themselves. */
function inheritExit(command: Command): void {
  command.exitOverride()
  command.showHelpAfterError('(--help tells more)')
  for (const child of command.commands) inheritExit(child)
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
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
