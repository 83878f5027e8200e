import type { Command } from 'commander'
import { addJobCommand } from './job-command.ts'

export function addScrubCommand(program: Command): void {
  addJobCommand(program, {
    name: 'scrub',
    description: 'verify every chunk against its record: begin a pass now, or see how it goes',
    help: 'A pass begins by itself every SEXTANT_SCRUB_PERIOD_SECONDS, on one of the gateways. What it finds is repaired.',
    work: async () => (await import('./scrub-work.ts')).scrubWork,
  })
}
