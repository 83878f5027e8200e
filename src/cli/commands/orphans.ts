import type { Command } from 'commander'
import { addJobCommand } from './job-command.ts'

const load = () => import('./orphans-work.ts')

export function addOrphansCommand(program: Command): void {
  addJobCommand(program, {
    name: 'orphans',
    description: 'delete chunks that no part refers to: begin a search now, or see how it goes',
    help: `A search begins by itself every SEXTANT_ORPHAN_PERIOD_SECONDS, on one of the gateways; it lets be what is younger than
SEXTANT_ORPHAN_AGE_SECONDS. In a database that was restored from an older state, what it may have forgotten is kept
until --release: first take back what you need (docs/backup.md), for then it is deleted.`,
    work: async () => (await load()).orphansWork,
    asks: [
      {
        flag: '--dry-run',
        about: 'only tell what a search would delete now',
        run: async () => (await load()).searchOnly(),
      },
      {
        flag: '--release',
        about: 'after a restore: let what the database does not know be deleted',
        run: async () => (await load()).release(),
      },
    ],
  })
}
