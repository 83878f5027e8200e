import type { Command } from 'commander'
import { ORDER_DEFAULTS, type OrderOptions } from '../bench/order.ts'
import { printJson } from '../output.ts'
import { progressLine } from './progress-line.ts'

export interface BenchOptions extends OrderOptions {
  bucket?: string
  endpoint?: string
  keep?: true
  json?: true
}

const HELP = `
Operations: put, get, head, list (a page of 1,000 keys), delete, mixed (of a hundred requests 45 get, 30 head, 15 put, 10 delete);
without any: put, get, head, list, delete. Every body is other bytes, and every GET is compared with what was put. Nothing but
keys below a prefix of its own is touched, and they are removed at the end, also after Ctrl-C; a second Ctrl-C ends at once.
The store on the data directory is asked with the keys of its root; for --endpoint, keys and region come from AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION, or from the profile AWS_PROFILE.
Exit code: 0 all went well, 1 a request failed, a byte was wrong, or it was stopped. docs/performance.md tells more.`

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description('how fast this store, or any S3 endpoint, is from here')
    .argument('[operations...]', 'what to measure, in this order')
    .option('--size <bytes>', 'of each object; several with commas between them', ORDER_DEFAULTS.size)
    .option('--clients <count>', 'so many requests are under way at once', ORDER_DEFAULTS.clients)
    .option('--seconds <seconds>', 'how long each operation is measured', ORDER_DEFAULTS.seconds)
    .option(
      '--objects <count>',
      'written beforehand to be read (default: 1000, or 256 MiB of them, or what --seconds allow)',
    )
    .option('--bucket <name>', 'a bucket that is there (default: one made for the run, and removed)')
    .option('--endpoint <url>', 'another S3 endpoint (default: of the store on the data directory)')
    .option('--keep', 'leave what was written')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (operations: string[], options: BenchOptions) => {
      const { benchLines, runBench } = await import('./bench-work.ts')
      const outcome = await runBench(operations, options, progressLine(options.json))
      if (options.json) printJson(outcome)
      else process.stdout.write(`${benchLines(outcome).join('\n')}\n`)
      if (!outcome.ok) process.exitCode = 1
    })
}
