import type { Command } from 'commander'
import { CommandFailure } from '../failure.ts'
import { printJson, printTable } from '../output.ts'

interface CreateOptions {
  account: string
  accessKey?: string
  secretKey?: string
  secretKeyFile?: string
  policy?: string
  expires?: string
  json?: true
}

/** Of `key create` and `key rotate`. */
const SECRET = [
  '--secret-key <secret>',
  '8 to 128 printable characters, made if not given; others on this machine see it: rather use a file',
] as const
const SECRET_FILE = ['--secret-key-file <file>', 'holds the secret; - for standard input'] as const
const POLICY = 'what the key may do, of what its account may: a policy without principals, as JSON'

export function addKeyCommands(program: Command): void {
  const key = program
    .command('key')
    .description('the access keys of accounts; a running store heeds every change at once')
  addCreate(key)
  addList(key)
  addRotate(key)
  key
    .command('disable <access-key-id>')
    .description('refuse an access key until it is enabled again')
    .action(async (id: string) => await (await import('./key-work.ts')).setKeyStatus(id, 'disabled'))
  key
    .command('enable <access-key-id>')
    .description('take an access key again that was disabled')
    .action(async (id: string) => await (await import('./key-work.ts')).setKeyStatus(id, 'active'))
  key
    .command('expire <access-key-id> <when>')
    .description('refuse an access key from then on: a date, a time from now (90d, 12h), now, or never')
    .option('--json', 'as one line of JSON')
    .action(async (id: string, when: string, { json }: { json?: true }) => {
      const expiresAt = (await (await import('./key-work.ts')).setKeyExpiry(id, when))?.toISOString()
      if (json) printJson({ accessKeyId: id, expiresAt: expiresAt ?? null })
      else process.stdout.write(`${id} expires ${expiresAt ? `at ${expiresAt}` : 'never'}\n`)
    })
  key
    .command('delete <access-key-id>')
    .description('delete an access key for good')
    .action(async (id: string) => await (await import('./key-work.ts')).deleteKey(id))
  addPolicy(key)
  key
    .command('limit <access-key-id>')
    .description(
      'bound how much an access key may ask for, in place of what the settings say; beyond that: 503 SlowDown',
    )
    .option('--requests <n>', 'a second; 0: as many as come')
    .option('--bytes <n>', 'a second, up and down (10 MiB); 0: as many as come')
    .option('--default', 'as the settings say')
    .action(async (id: string, options: { requests?: string; bytes?: string; default?: true }) => {
      const { default: isDefault = false, ...limits } = options
      if (Object.keys(limits).length > 0 === isDefault)
        throw new CommandFailure('Give --requests, --bytes or both, or --default.', { exitCode: 2 })
      await (await import('./key-work.ts')).setKeyLimits(id, isDefault ? undefined : limits)
    })
  key
    .command('allow <access-key-id> [addresses...]')
    .description('let an access key be used from these addresses and CIDR blocks only')
    .option('--anywhere', 'it may be used from anywhere again')
    .action(async (id: string, addresses: string[], { anywhere }: { anywhere?: true }) => {
      if (addresses.length > 0 === (anywhere ?? false))
        throw new CommandFailure('Give either addresses or --anywhere.', { exitCode: 2 })
      await (await import('./key-work.ts')).setKeyAllowedFrom(id, anywhere ? undefined : addresses)
    })
}

function addCreate(key: Command): void {
  key
    .command('create')
    .description('make an access key; its secret is shown this once')
    .requiredOption('--account <name>', 'whose key it is')
    .option('--access-key <id>', '3 to 128 letters, digits, _ or -; made if not given')
    .option(...SECRET)
    .option(...SECRET_FILE)
    .option('--policy <file>', POLICY)
    .option(
      '--expires <when>',
      'a date (2027-01-31, 2027-01-31T12:00Z) or a time from now (90d, 12h); never if not given',
    )
    .option('--json', 'as one line of JSON')
    .action(async (options: CreateOptions) => {
      const { createKey } = await import('./key-work.ts')
      const made = await createKey(options)
      if (options.json) printJson(made)
      else
        process.stdout.write(
          `access key id      ${made.accessKeyId}\nsecret access key  ${made.secretAccessKey}\naccount            ${made.account}\n${
            made.expiresAt === null ? '' : `expires            ${made.expiresAt}\n`
          }`,
        )
    })
}

function addList(key: Command): void {
  key
    .command('list')
    .description('list all access keys, without their secrets')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const { listKeys } = await import('./key-work.ts')
      const keys = await listKeys()
      if (json) printJson(keys)
      else
        printTable([
          ['ACCESS KEY ID', 'ACCOUNT', 'STATUS', 'MADE', 'EXPIRES', 'LAST USED', 'POLICY'],
          ...keys.map((row) => [
            ...[row.accessKeyId, row.account, row.status, row.createdAt, row.expiresAt ?? 'never'],
            ...[row.lastUsedAt ?? '-', row.policy === null ? '-' : 'its own'],
          ]),
        ])
    })
  key
    .command('show <access-key-id>')
    .description('show an access key with its policy, without its secret')
    .option('--json', 'as one line of JSON')
    .action(async (accessKeyId: string, { json }: { json?: true }) => {
      const { findKey } = await import('./key-work.ts')
      const found = await findKey(accessKeyId)
      process.stdout.write(`${JSON.stringify(found, undefined, json ? undefined : 2)}\n`)
    })
}

function addRotate(key: Command): void {
  key
    .command('rotate <access-key-id>')
    .description('give an access key another secret, shown this once; the one that it has is taken for a while yet')
    .option(...SECRET)
    .option(...SECRET_FILE)
    .option(
      '--grace <time>',
      'how long the secret that it has is taken yet (12h, 0s); SEXTANT_KEY_GRACE_SECONDS if not given',
    )
    .option('--json', 'as one line of JSON')
    .action(
      async (id: string, options: { secretKey?: string; secretKeyFile?: string; grace?: string; json?: true }) => {
        const { rotateKey } = await import('./key-work.ts')
        const rotated = await rotateKey(id, options)
        if (options.json) printJson(rotated)
        else
          process.stdout.write(
            `access key id        ${rotated.accessKeyId}\nsecret access key    ${rotated.secretAccessKey}\nformer secret until  ${rotated.formerSecretUntil}\n`,
          )
      },
    )
}

function addPolicy(key: Command): void {
  key
    .command('set-policy <access-key-id>')
    .description('give an access key another policy, or none')
    .option('--policy <file>', POLICY)
    .option('--none', 'it may do again what its account may')
    .action(async (accessKeyId: string, { policy, none }: { policy?: string; none?: true }) => {
      if ((policy === undefined) === (none === undefined))
        throw new CommandFailure('Give either --policy or --none.', { exitCode: 2 })
      const { setKeyPolicy } = await import('./key-work.ts')
      await setKeyPolicy(accessKeyId, policy)
    })
}
