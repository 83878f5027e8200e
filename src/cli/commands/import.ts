import type { Command } from 'commander'
import { printJson } from '../output.ts'
import { progressLine } from './progress-line.ts'

export interface ImportOptions {
  to?: string
  endpoint?: string
  toEndpoint?: string
  currentOnly?: true
  dryRun?: true
  etagIsNoMd5?: true
  locks?: true
  json?: true
}

const HELP = `
The source's keys come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or from the profile AWS_PROFILE;
its region from AWS_REGION. What is there already is not copied again: run it as often as you like, also after it was stopped
or killed. Objects are written through the S3 endpoint of the store that runs on the data directory, with the keys of its root.
Exit code: 0 all of it is here, 1 something is not. docs/migrate.md tells more.`

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('copy a bucket from another S3 endpoint, with its versions')
    .argument('<source>', 's3://BUCKET or s3://BUCKET/PREFIX')
    .option('--to <bucket>', 'the bucket here (default: called as the source; made if there is none)')
    .option('--endpoint <url>', "the source's endpoint (default: AWS in its region)")
    .option('--to-endpoint <url>', 'the S3 endpoint of this store (default: of the one on the data directory)')
    .option('--current-only', 'leave out former versions and delete markers')
    .option('--locks', 'with retentions and legal holds; a bucket that is made for it has Object Lock')
    .option('--dry-run', 'only tell what would be copied')
    .option('--etag-is-no-md5', 'for a source whose ETags look like MD5s and are none')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (source: string, options: ImportOptions) => {
      const { importLines, runImport } = await import('./import-work.ts')
      const outcome = await runImport(source, options, progressLine(options.json))
      if (options.json) printJson(outcome)
      else process.stdout.write(`${importLines(outcome).join('\n')}\n`)
      if (!outcome.ok) process.exitCode = 1
    })
}
