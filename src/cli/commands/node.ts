import type { Command } from 'commander'
import { printJson, printTable } from '../output.ts'
import { serverTable } from './server-table.ts'

interface Options {
  force?: true
  json?: true
}

/** What each command makes of a server, and what it tells. */
const changes = [
  {
    name: 'drain',
    status: 'draining',
    about: 'empty a storage server, so that it can be removed: its chunks are moved to others',
    told: 'is being emptied; `sextant repair --wait` shows how it goes',
  },
  {
    name: 'cordon',
    status: 'cordoned',
    about: 'give a storage server no new chunks; it keeps those that it has',
    told: 'gets no new chunks',
  },
  { name: 'uncordon', status: 'up', about: 'take back drain or cordon', told: 'takes chunks again' },
] as const

export function addNodeCommands(program: Command): void {
  const node = program.command('node').description('the storage servers, one by one')
  node
    .command('list')
    .description('list all storage servers')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: Options) => {
      const { listNodes } = await import('./node-work.ts')
      const servers = await listNodes()
      if (json) printJson(servers)
      else printTable(serverTable(servers))
    })
  for (const { name, status, about, told } of changes) {
    node
      .command(name)
      .description(about)
      .argument('<server>', 'its number, or its id')
      .option('--json', 'as one line of JSON')
      .action(async (server: string, { json }: Options) => {
        const { changeNode } = await import('./node-work.ts')
        const changed = await changeNode(server, status)
        if (json) printJson(changed)
        else process.stdout.write(`server ${changed.server} ${told}\n`)
      })
  }
  node
    .command('remove')
    .description('forget a storage server for good: one that was emptied, or one that is lost')
    .argument('<server>', 'its number, or its id')
    .option('--force', 'though it is not empty: what it had is rebuilt from the others')
    .option('--json', 'as one line of JSON')
    .action(async (server: string, { force = false, json }: Omit<Options, 'force'> & { force?: boolean }) => {
      const { removeNode } = await import('./node-work.ts')
      const removed = await removeNode(server, { force })
      if (json) printJson(removed)
      else process.stdout.write(`server ${removed.server} is removed\n`)
    })
}
