import type { Command } from 'commander'
import { printJson, printTable } from '../output.ts'
import { progressLine } from './progress-line.ts'

const load = () => import('./encryption-work.ts')
const JSON_OPTION = ['--json', 'as one line of JSON'] as const

export function addEncryptionCommands(program: Command): void {
  const encryption = program.command('encryption').description('the keys that encrypted objects are sealed under')
  encryption
    .command('status')
    .description('how many data keys are sealed under which key')
    .option(...JSON_OPTION)
    .action(async ({ json }: { json?: true }) => {
      const rows = await (await load()).countSeals()
      if (json) printJson(rows)
      else
        printTable([
          ['SEALED BY', 'OBJECTS', 'UPLOADS', 'NEWEST'],
          ...rows.map((row) => [row.sealedBy, String(row.objects), String(row.uploads), row.isNewest ? 'yes' : 'no']),
        ])
    })
  encryption
    .command('rotate')
    .description("make a new generation of the store's own keys, and seal all data keys anew; no data is touched")
    .option(...JSON_OPTION)
    .action((options: { json?: true }) => tell(options, async (progress) => (await load()).rotateKeys(progress)))
  encryption
    .command('reseal')
    .description(
      'seal anew what is not sealed under the newest key of its name: after a key of SEXTANT_KMS_KEYS was replaced',
    )
    .option(...JSON_OPTION)
    .action((options: { json?: true }) => tell(options, async (progress) => (await load()).reseal(progress)))
}

async function tell(
  { json }: { json?: true },
  work: (progress: (line: string) => void) => Promise<{ looked: number; resealed: number; lost: number }>,
): Promise<void> {
  const progress = progressLine(json)
  const told = await work(progress)
  progress('')
  if (json) printJson(told)
  else {
    const lost = told.lost > 0 ? `; ${told.lost} are sealed under keys that are not configured` : ''
    process.stdout.write(`${told.resealed} of ${told.looked} data keys were sealed anew${lost}\n`)
  }
}
