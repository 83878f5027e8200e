import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { StoreUnderTest } from '../support/store.ts'
import type { Target } from './field.ts'

const run = promisify(execFile)
const SEXTANT = fileURLToPath(new URL('../../bin/sextant.js', import.meta.url))
const STRANGER = { accessKeyId: 'AKSTRANGER', secretAccessKey: 'what-the-stranger-knows' }

export interface FuzzedStore extends AsyncDisposable {
  store: StoreUnderTest
  target: Target
}

/** A whole store as a user starts it, with a second account. */
export async function fuzzedStore(env: Record<string, string> = {}): Promise<FuzzedStore> {
  await using started = new AsyncDisposableStack()
  const store = started.use(new StoreUnderTest(env))
  await store.start()
  const { endpoint, region, accessKeyId, secretAccessKey } = store.announced
  const own = { env: { ...process.env, SEXTANT_DATA_DIR: store.directory } }
  await run(process.execPath, [SEXTANT, 'account', 'create', 'stranger'], own)
  const key = ['--access-key', STRANGER.accessKeyId, '--secret-key', STRANGER.secretAccessKey]
  await run(process.execPath, [SEXTANT, 'key', 'create', '--account', 'stranger', ...key], own)
  const owner = { accessKeyId, secretAccessKey }
  const owned = started.move()
  return {
    store,
    target: { endpoint: new URL(endpoint), region, owner, stranger: STRANGER },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  }
}
