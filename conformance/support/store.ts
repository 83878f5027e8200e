import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from './free-ports.ts'
import type { Credentials, Target } from './target.ts'
import { makeCertificate } from './tls-front.ts'

const sextant = fileURLToPath(new URL('../../bin/sextant.js', import.meta.url))
const limitedKeyPolicy = fileURLToPath(new URL('limited-key.json', import.meta.url))
const run = promisify(execFile)
const START_MS_MAX = 90_000
/** The store may take 30 s to finish what is under way. */
const STOP_MS_MAX = 45_000
const DOMAIN = 's3.localhost'
const KMS_KEY = 'conformance-key'

export interface RunningStore extends AsyncDisposable {
  target: Target
}

/**
 * A fresh `sextant up` on free ports in a temporary directory, with a second account and a limited key; disposed: stopped and
 * its data removed. `hasTls`: its S3 port is https, and this process trusts its certificate.
 */
export async function startStore({ hasTls = false } = {}): Promise<RunningStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sextant-conformance-'))
  const [port, adminPort] = await Promise.all([freePort(), freePort()])
  const owner = newCredentials('CONFOWNER')
  const tls = hasTls ? await makeTls() : undefined
  const env = {
    ...process.env,
    SEXTANT_DATA_DIR: dataDir,
    SEXTANT_S3_HOST: '127.0.0.1',
    SEXTANT_S3_PORT: String(port),
    SEXTANT_ADMIN_PORT: String(adminPort),
    SEXTANT_ROOT_ACCESS_KEY_ID: owner.accessKeyId,
    SEXTANT_ROOT_SECRET_ACCESS_KEY: owner.secretAccessKey,
    SEXTANT_DOMAIN: DOMAIN,
    SEXTANT_KMS_KEYS: `${KMS_KEY}=${randomBytes(32).toString('hex')}`,
    ...(tls?.env ?? { SEXTANT_ALLOW_SSE_C_OVER_HTTP: 'true' }),
    SEXTANT_WEBHOOKS: JSON.stringify({ somewhere: 'http://127.0.0.1:9/' }),
    NODE_OPTIONS: '',
  }
  const endpoint = new URL(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`)
  const child = spawn(process.execPath, [sextant, 'up'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = keepLast(child)
  // For ends that dispose of nothing: a test that times out, an exception that nobody catches.
  const onExit = () => child.kill('SIGTERM')
  process.once('exit', onExit)
  const dispose = async () => {
    await stop(child)
    process.off('exit', onExit)
    for (const directory of [dataDir, ...(tls ? [tls.directory] : [])])
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  try {
    await healthy(endpoint, child, said)
    const [other, limited] = [newCredentials('CONFOTHER'), newCredentials('CONFLIMITED')]
    const account = 'conformance-other'
    await run(process.execPath, [sextant, 'account', 'create', account], { env })
    await run(process.execPath, [sextant, ...createKey(account, other)], { env })
    await run(process.execPath, [sextant, ...createKey('root', limited), '--policy', limitedKeyPolicy], { env })
    return {
      target: {
        endpoint,
        region: 'us-east-1',
        owner,
        other,
        limited,
        domain: DOMAIN,
        kmsKey: KMS_KEY,
        ...(tls && { certificate: tls.certificate }),
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** A certificate in a directory of its own, which this process trusts from now on. */
async function makeTls() {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-conformance-tls-'))
  const { certificate, keyFile, cert } = await makeCertificate(directory)
  setDefaultCACertificates([...getCACertificates('default'), String(cert)])
  return { directory, certificate, env: { SEXTANT_S3_TLS_CERT: certificate, SEXTANT_S3_TLS_KEY: keyFile } }
}

function createKey(account: string, { accessKeyId, secretAccessKey }: Credentials): string[] {
  return ['key', 'create', '--account', account, '--access-key', accessKeyId, '--secret-key', secretAccessKey, '--json']
}

function newCredentials(prefix: string): Credentials {
  return {
    accessKeyId: prefix + randomBytes(6).toString('hex').toUpperCase().slice(0, 11),
    secretAccessKey: randomBytes(30).toString('base64url'),
  }
}

/** The last of what the store printed: shown when it does not start. */
function keepLast(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => {
      text = (text + data.toString()).slice(-8_000)
    })
  return () => text
}

async function healthy(endpoint: URL, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = Date.now() + START_MS_MAX
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`sextant up ended early:\n${said()}`)
    const answer = await fetch(new URL('/health', endpoint), { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    )
    await answer?.body?.cancel()
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`sextant up was not healthy within ${START_MS_MAX} ms:\n${said()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  await ended
  clearTimeout(killer)
}
