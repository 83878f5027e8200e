import { type Command, Option } from 'commander'
import { printJson, printTable } from '../output.ts'

const load = () => import('./bucket-work.ts')
const JSON_OPTION = ['--json', 'as one line of JSON'] as const

/** What of a bucket is its operator's to say: S3 has no words for it. */
export function addBucketCommands(program: Command): void {
  const bucket = program.command('bucket').description('what S3 does not say of a bucket')
  bucket
    .command('show')
    .description('show what is set')
    .argument('<name>')
    .option(...JSON_OPTION)
    .action(async (name: string, { json }: { json?: true }) => {
      const shown = await (await load()).showBucket(name)
      if (json) printJson(shown)
      else printTable(Object.entries(shown).map(([what, value]) => [what, value]))
    })
  bucket
    .command('set')
    .description('say how new objects are stored; those that are there stay as they are')
    .argument('<name>')
    .addOption(
      new Option('--compression <kind>', 'default: what SEXTANT_DEFAULT_COMPRESSION says')
        .choices(['zstd', 'off', 'default'])
        .makeOptionMandatory(),
    )
    .option(...JSON_OPTION)
    .action(async (name: string, { compression, json }: { compression: 'zstd' | 'off' | 'default'; json?: true }) => {
      await (await load()).setCompression(name, compression === 'default' ? undefined : compression)
      if (json) return printJson({ name, compression })
      process.stdout.write(`new objects of ${name}: compression ${compression}\n`)
    })
}
