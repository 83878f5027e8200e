import type { Command } from 'commander'
import { addJobCommand } from './job-command.ts'

const load = () => import('./rebalance-work.ts')

export function addRebalanceCommand(program: Command): void {
  addJobCommand(program, {
    name: 'rebalance',
    description: 'move what is stored to where the ring has it now: to a new server its share',
    help: 'It never starts by itself: a new server gets its share of what is written from now on anyway.',
    work: async () => (await load()).rebalanceWork,
    asks: [{ flag: '--dry-run', about: 'only tell what it would do', run: async () => (await load()).planOnly() }],
  })
}
