import { type Command, InvalidArgumentError } from 'commander'
import { printJson } from '../output.ts'
import type { InitOptions } from './init-work.ts'

const DISKS_MAX = 64

const HELP = `
A host is written as the others reach it, with its other names and addresses behind +: storage-1+10.0.0.21. With an address,
that is what it listens on. DIRECTORY gets a directory for each host, to be brought there as /etc/sextant, and ca/ with the
CA, by which \`sextant cert renew DIRECTORY/ca\` renews certificates. docs/deploy.md tells the rest.`

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('make settings, secrets and certificates for a cluster on several hosts')
    .argument('<directory>', 'to be made')
    .requiredOption('--gateway <host...>', 'hosts of gateways; the first one migrates the database, too')
    .requiredOption('--storage-node <host...>', 'hosts with disks: six or more')
    .option('--disks <n>', 'disks of each such host, a storage node each', parseDisks, 1)
    .option('--database-url <url>', 'of PostgreSQL; others on this machine see it: rather use a file, or DATABASE_URL')
    .option('--database-url-file <file>', 'holds that; - for standard input')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (directory: string, { json, ...options }: InitOptions & { json?: true }) => {
      const { init, stepsOf } = await import('./init-work.ts')
      const made = await init(directory, options)
      if (json) printJson(made)
      else process.stdout.write(`${stepsOf(made).join('\n')}\n`)
    })
}

function parseDisks(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > DISKS_MAX)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${DISKS_MAX}.`)
  return count
}
