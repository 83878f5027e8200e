import type { Command } from 'commander'
import type { RebuildReport } from '../../upkeep/rebuild/rebuild-catalogue.ts'
import { withCommandDeps } from '../command-deps.ts'
import { printJson } from '../output.ts'
import { progressLine } from './progress-line.ts'
import { showCount } from './show.ts'

interface Options {
  completeUploads?: true
  json?: true
}

const HELP = `
For when PostgreSQL is lost, and there is no backup of it: \`sextant backup restore\` brings back more. The database must
be empty, and no gateway at work. Without DATABASE_URL, PostgreSQL and the storage nodes of the data directory are
started for this. What was rebuilt is there at the end, all at once; a rebuild that was interrupted is begun anew.
docs/backup.md says what comes back and how it is decided.`

/** What no chunk tells. In docs/backup.md, too. */
const NOT_BACK = [
  'accounts and access keys but the root account, which owns all buckets now; settings of buckets',
  'buckets without objects, and objects without bytes: they have no chunks',
  'copies made by CopyObject, and metadata changed by one: they share the chunks of what was copied',
  'that objects were deleted or overwritten: those whose chunks were not swept yet are back',
  'when an object was written, to the second: it has the time at which its upload began',
]

export function addRebuildCatalogueCommand(program: Command): void {
  program
    .command('rebuild-catalogue')
    .description('PostgreSQL is lost: make the metadata anew from what the chunks on the storage nodes say')
    .option('--complete-uploads', 'take uploads that may have been under way for completed, where all parts are there')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', HELP)
    .action(
      async ({
        completeUploads: completesUploads = false,
        json,
      }: Omit<Options, 'completeUploads'> & { completeUploads?: boolean }) => {
        const { rebuild } = await import('../rebuild/rebuild.ts')
        const report = await withCommandDeps(progressLine(json), (deps) => rebuild({ completesUploads }, deps))
        if (json) printJson({ ...report, notBack: NOT_BACK })
        else process.stdout.write(`${lines(report).join('\n')}\n`)
      },
    )
}

function lines(report: RebuildReport): string[] {
  const { parts, servers, examples } = report
  const damaged = servers.reduce((sum, server) => sum + server.damagedChunks, 0)
  const told = (keys: { bucket: string; key: string }[]) =>
    keys.map(({ bucket, key }) => `            ${bucket}/${key}`)
  return [
    `read        ${showCount(report.chunks, 'chunk')} of ${showCount(parts.found, 'part')} on ${showCount(servers.length, 'server')}; ${damaged} chunks do not say what they are`,
    `back        ${showCount(report.objects, 'object')} (${report.multipartObjects} of them multipart) in ${showCount(report.buckets, 'bucket')}; the newest was begun ${report.lastWriteAt ?? 'never'}`,
    `to repair   ${showCount(parts.withMissingChunks, 'part')} with missing chunks`,
    `uploads     ${showCount(report.uploads, 'upload')} that may have been under way: back as uploads, for a week (--complete-uploads makes objects of them); ${report.damagedUploads} with parts missing`,
    ...told(examples.uploads),
    `not sure    ${showCount(report.contestedKeys, 'key')} with several whole objects: the one that was begun last is taken`,
    ...told(examples.contested),
    `not taken   ${showCount(parts.superseded, 'part')} that others replace, ${showCount(parts.unreadable, 'part')} with fewer than six chunks: their chunks are kept`,
    ...told(examples.unreadable),
    'not back    no chunk tells of',
    ...NOT_BACK.map((what) => `            - ${what}`),
  ]
}
