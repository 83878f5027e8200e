import type { Command } from 'commander'

export interface TopOptions {
  admin: string[]
  interval: string
  once?: true
  json?: true
}

const HELP = `
Gateways by process, with their operations; storage servers; what waits for repair and deletion, as the last report has it. It
asks /metrics alone, and the database nothing. --admin names other hosts' gateways, and may be given several times. On a terminal it
stays in place until Ctrl-C; elsewhere it prints one look after the other.`

export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('what the store does right now: requests, servers, what waits')
    .option('--interval <seconds>', 'how long each look is, from 0.2 to 3600', '2')
    .option('--once', 'one look, then end')
    .option('--admin <url>', "a gateway's admin port (default: of the store on the data directory)", collect, [])
    .option('--json', 'a line of JSON for each look')
    .addHelpText('after', HELP)
    .action(async (options: TopOptions) => {
      const { runTop } = await import('./top-work.ts')
      await runTop(options)
    })
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
