import type { Command } from 'commander'
import { showBytes } from '../../base/config-kinds.ts'
import { printJson, printTable } from '../output.ts'

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('the storage servers: heartbeats and space, as the database knows them')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const { readStatus } = await import('./status-work.ts')
      const { database, servers } = await readStatus()
      if (json) {
        printJson({ database, servers })
        return
      }
      process.stdout.write(`database answers in ${database.latencyMs} ms\n\n`)
      printTable([
        ['SERVER', 'STATUS', 'HEARTBEAT', 'FREE', 'CAPACITY', 'ZONE', 'ADDRESS', 'ID'],
        ...servers.map((server) => [
          String(server.number),
          server.isStale ? `${server.status}, silent` : server.status,
          server.lastHeartbeatAt,
          showRounded(server.availableBytes),
          showRounded(server.capacityBytes),
          server.zone || '-',
          server.address,
          server.id,
        ]),
      ])
    })
}

/** To a tenth of the largest unit that fits. */
function showRounded(bytes: number): string {
  for (const [unit, size] of Object.entries({ TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20 }))
    if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`
  return showBytes(bytes)
}
