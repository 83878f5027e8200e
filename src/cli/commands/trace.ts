import type { Command } from 'commander'

export interface TraceOptions {
  bucket?: string
  keyPrefix?: string
  operation?: string
  status?: string
  errors?: true
  slowerThan?: string
  admin: string[]
  json?: true
}

const HELP = `
A line for each: when it ended, client, operation, status, S3's error code, how long it took, bytes in and out, request id, bucket
and key. Of all gateway processes of the host; --admin names other hosts' gateways, and may be given several times. What
is read too slowly is left out, and counted. Ctrl-C ends it. Signatures and other secrets are never in it.`

export function addTraceCommand(program: Command): void {
  program
    .command('trace')
    .description('show the requests of the gateways as they end')
    .option('--bucket <name>', 'only of this bucket')
    .option('--key-prefix <prefix>', 'only of keys that begin so')
    .option('--operation <name>', "only of this operation: S3's name, as GetObject")
    .option('--status <code>', 'only with this status: 404, or 4xx for all that begin so')
    .option('--errors', 'only with a status from 400 up')
    .option('--slower-than <ms>', 'only what took longer, in milliseconds')
    .option('--admin <url>', "a gateway's admin port (default: of the store on the data directory)", collect, [])
    .option('--json', 'a line of JSON each')
    .addHelpText('after', HELP)
    .action(async (options: TraceOptions) => {
      const { runTrace } = await import('./trace-work.ts')
      await runTrace(options)
    })
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
