import type { Command } from 'commander'
import { CommandFailure } from '../failure.ts'
import { printJson, printTable } from '../output.ts'

interface CreateOptions {
  account: string
  accessKey?: string
  secretKey?: string
  policy?: string
  json?: true
}

export function addKeyCommands(program: Command): void {
  const key = program.command('key').description('the access keys of accounts')
  key
    .command('create')
    .description('make an access key; its secret is shown this once')
    .requiredOption('--account <name>', 'whose key it is')
    .option('--access-key <id>', '3 to 128 letters, digits, _ or -; made if not given')
    .option('--secret-key <secret>', '8 to 128 printable characters; made if not given')
    .option('--policy <file>', 'what the key may do, of what its account may')
    .option('--json', 'as one line of JSON')
    .action(async (options: CreateOptions) => {
      if (options.policy !== undefined)
        throw new CommandFailure('Keys with a policy are not to be had yet: leave --policy out.', { exitCode: 2 })
      const { createKey } = await import('./account-work.ts')
      const made = await createKey(options)
      if (options.json) printJson(made)
      else
        process.stdout.write(
          `access key id      ${made.accessKeyId}\nsecret access key  ${made.secretAccessKey}\naccount            ${made.account}\n`,
        )
    })
  key
    .command('list')
    .description('list all access keys, without their secrets')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const { listKeys } = await import('./account-work.ts')
      const keys = await listKeys()
      if (json) printJson(keys)
      else
        printTable([
          ['ACCESS KEY ID', 'ACCOUNT', 'STATUS', 'MADE'],
          ...keys.map((row) => [row.accessKeyId, row.account, row.status, row.createdAt]),
        ])
    })
}
