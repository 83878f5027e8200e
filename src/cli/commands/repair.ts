import type { Command } from 'commander'
import { addJobCommand } from './job-command.ts'

export function addRepairCommand(program: Command): void {
  addJobCommand(program, {
    name: 'repair',
    description: 'rebuild missing and damaged chunks: try again now whatever waits, or see how it goes',
    help: 'Repair runs by itself, on one of the gateways; the most endangered parts come first.',
    work: async () => (await import('./repair-work.ts')).repairWork,
  })
}
