import { type Command, Option } from 'commander'
import { processConfig } from '../../base/config-env.ts'
import { systemClock as clock, systemRandom as random } from '../../base/system.ts'
import type { DoctorReport } from '../doctor/run.ts'
import { printJson, printTable } from '../output.ts'
import { showCount } from './show.ts'

const HELP = `
It reads the same settings as the process that is to run here, so start it with the same environment. It changes nothing.
Exit code: 0 nothing is wrong, or there are warnings; 1 something is. docs/deploy.md tells what it looks at.`

interface Options {
  role?: 'up' | 'gateway' | 'storage-node'
  gateway?: string[]
  json?: true
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('find what is wrong with a set-up, before it is started or while it runs')
    .addOption(
      new Option('--role <role>', 'what this host is to run; by the settings if not given').choices([
        'up',
        'gateway',
        'storage-node',
      ]),
    )
    .option('--gateway <url...>', 'gateways whose clocks are to be compared: http://10.0.0.11:8080')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', HELP)
    .action(async ({ role, gateway: gateways = [], json }: Options) => {
      const { examine } = await import('../doctor/run.ts')
      const nodeVersion = process.versions.node
      const report = await examine({ role, gateways, ...processConfig(), clock, random, nodeVersion })
      if (json) printJson(report)
      else show(report)
      if (!report.ok) process.exitCode = 1
    })
}

function show({ findings }: DoctorReport): void {
  printTable([['', 'WHAT', 'FOUND'], ...findings.map(({ level, check, message }) => [MARKS[level], check, message])])
  const count = (level: string) => findings.filter((finding) => finding.level === level).length
  process.stdout.write(`\n${showCount(count('failure'), 'failure')}, ${showCount(count('warning'), 'warning')}\n`)
}

const MARKS = { ok: 'ok', warning: 'WARNING', failure: 'FAILURE', skipped: '-' }
