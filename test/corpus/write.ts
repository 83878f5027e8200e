import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { silentLog } from '../../src/base/log.ts'
import { startPostgres } from '../../src/cli/postgres/start.ts'
import { StoreUnderTest } from '../support/store.ts'
import { sextant } from '../support/up.ts'
import { type Expected, filesOf, pack } from './corpus.ts'
import { describeStore, type StoreDescription } from './describe-store.ts'
import { fillStore } from './fill-store.ts'
import { dumpRows } from './metadata.ts'

/** `npm run corpus -- --release 0.1.0`: writes a small store by this version, for later ones to read (corpus.test.ts). */
const { values } = parseArgs({ options: { release: { type: 'string' } } })
const root = new URL('../../package.json', import.meta.url)
const { version } = JSON.parse(await readFile(root, 'utf8')) as { version: string }
if (values.release !== version) {
  throw new Error(
    `This is ${version}: say so by --release ${version}. Other releases' corpora are written by them alone.`,
  )
}

const customerKey = Buffer.alloc(32, 'customer').toString('base64')
const kmsKeys = `photos=${Buffer.alloc(32, 'photos').toString('hex')}`
const env = { SEXTANT_KMS_KEYS: kmsKeys, SEXTANT_ALLOW_SSE_C_OVER_HTTP: 'true' }
await using store = new StoreUnderTest(env)
await store.start()

async function command(...args: string[]): Promise<string> {
  const ended = await sextant(store.directory, args, env).ended
  if (ended.code !== 0) throw new Error(`sextant ${args.join(' ')}: ${ended.stderr}`)
  return ended.stdout
}

const client = store.client()
const written = await fillStore(client, {
  customerKey,
  compress: (bucket) => command('bucket', 'set', bucket, '--compression', 'zstd'),
})
await command('account', 'create', 'reader')
const key = JSON.parse(await command('key', 'create', '--account', 'reader', '--json')) as Record<string, string>
const description = await describeStore(client, { customerKey })
check(description)
client.destroy()
await store.stop()

const files = filesOf(version)
await rm(dirname(files.store), { recursive: true, force: true })
await mkdir(dirname(files.store), { recursive: true })
const postgres = join(store.directory, 'postgres')
const server = await startPostgres({ directory: postgres, log: silentLog, signal: new AbortController().signal })
await writeFile(files.metadata, await dumpRows(server.url))
await server.stop()
await pack(store.directory, files.store)
const { accessKeyId = '', secretAccessKey = '' } = key
const expected: Expected = { release: version, customerKey, kmsKeys, accessKeyId, secretAccessKey, store: description }
await writeFile(files.expected, `${JSON.stringify(expected, undefined, 2)}\n`)
console.log(`test/corpus/${version} is written`)

/** What is told of the store is what was put into it. */
function check({ buckets }: StoreDescription): void {
  const read = buckets.flatMap(({ name, versions }) =>
    versions.map(({ key, sha256 }) => ({ name: `${name}/${key}`, sha256 })),
  )
  for (const [name, hashes] of written) {
    const found = read.filter((version) => version.name === name && version.sha256 !== undefined)
    const isAll = found.length === hashes.length && hashes.every((hash) => found.some(({ sha256 }) => sha256 === hash))
    if (!isAll) throw new Error(`${name} is not read as it was written`)
  }
}
