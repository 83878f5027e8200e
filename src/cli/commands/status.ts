import type { Command } from 'commander'
import { printJson, printTable } from '../output.ts'
import { serverTable } from './server-table.ts'
import { showCount, showRestore, showRounded, showSeconds } from './show.ts'
import type { readStatus } from './status-work.ts'

type Status = Awaited<ReturnType<typeof readStatus>>

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('how safe the data is, what waits for repair, and the storage servers')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const work = await import('./status-work.ts')
      const status = await work.readStatus()
      if (json) {
        printJson(status)
        return
      }
      process.stdout.write(`${headLines(status).join('\n')}\n\n`)
      printTable(serverTable(status.servers))
    })
}

function headLines({ database, safety, queues, jobs, restores }: Status): string[] {
  const { repair, strayChunks, doomedParts } = queues
  const counted = safety.counted ? ` (${showCount(safety.counted.parts, 'part')}, counted ${safety.counted.at})` : ''
  const left = safety.secondsToSafety === null ? '' : `, safe in ${showSeconds(safety.secondsToSafety)}`
  return [
    `fault tolerance  ${safety.words}${counted}`,
    `at risk          ${showCount(repair.parts, 'part')}, ${showRounded(repair.bytes)} to make anew: ${repair.withoutSpare} without a chunk to spare, ${repair.unreadable} unreadable${left}`,
    ...(repair.toMove > 0
      ? [`to be moved      ${showCount(repair.toMove, 'part')}, ${showRounded(repair.toMoveBytes)}`]
      : []),
    `to be deleted    ${showCount(doomedParts, 'part')}, ${showCount(strayChunks, 'stray chunk')}`,
    ...restores.map((restore) => `restored         ${showRestore(restore)}`),
    `jobs             ${Object.entries(jobs)
      .map(([name, { state, error }]) => `${name} ${error === null ? state : `failed (${error})`}`)
      .join(', ')}`,
    `database         answers in ${database.latencyMs} ms`,
  ]
}
