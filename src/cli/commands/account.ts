import type { Command } from 'commander'
import { printJson, printTable } from '../output.ts'

interface CreateOptions {
  id?: string
  displayName?: string
  email?: string
  json?: true
}

export function addAccountCommands(program: Command): void {
  const account = program.command('account').description('the accounts that own buckets')
  account
    .command('create')
    .description('make an account')
    .argument('<name>', 'unique; 1 to 64 letters, digits, dots, hyphens and underscores')
    .option('--id <canonical-id>', 'its canonical id, 64 hex digits; made if not given')
    .option('--display-name <name>', 'what listings show as the owner; the name if not given')
    .option('--email <address>', 'for grants that name accounts by e-mail')
    .option('--json', 'as one line of JSON')
    .action(async (name: string, options: CreateOptions) => {
      const { createAccount } = await import('./account-work.ts')
      const made = await createAccount({ name, ...options })
      if (options.json) printJson(made)
      else process.stdout.write(`account ${made.name} made, canonical id ${made.id}\n`)
    })
  account
    .command('list')
    .description('list all accounts')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const { listAccounts } = await import('./account-work.ts')
      const accounts = await listAccounts()
      if (json) printJson(accounts)
      else
        printTable([
          ['NAME', 'CANONICAL ID', 'DISPLAY NAME', 'E-MAIL'],
          ...accounts.map(({ name, id, displayName, email }) => [name, id, displayName, email]),
        ])
    })
}
