import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openPostgresSyncs } from './postgres-syncs.ts'
import { openProbes, probeEnvironment } from './probes.ts'
import type { OwnStore, Target } from './target.ts'

export interface StoreOptions {
  /** Settings of the store, over those in the environment. */
  env?: Record<string, string>
}

const BIN = fileURLToPath(new URL('../../bin/sextant.js', import.meta.url))

/** A store as `npm start` makes one, in a temporary directory that goes with it. */
export async function startStore({ env = {} }: StoreOptions): Promise<Target & { own: OwnStore }> {
  await using unlessStarted = new AsyncDisposableStack()
  const owned = unlessStarted.use(new AsyncDisposableStack())
  stopOnSignal(owned)
  const directory = owned.adopt(mkdtempSync(join(tmpdir(), 'sextant-bench-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  )
  const probeDirectory = join(directory, 'probes')
  mkdirSync(probeDirectory)
  const dataDirectory = join(directory, 'data')
  const child = startProcess(['up', '--json'], {
    SEXTANT_S3_PORT: '0',
    SEXTANT_ADMIN_PORT: '0',
    SEXTANT_LOG_LEVEL: 'warn',
    ...env,
    SEXTANT_DATA_DIR: dataDirectory,
    // As under npm: it then ends when its parent is killed.
    npm_lifecycle_event: 'bench',
    ...probeEnvironment(probeDirectory),
  })
  owned.defer(() => stopProcess(child))
  const ready = JSON.parse(await firstLine(child))
  const { hostname, port } = new URL(ready.endpoint)
  const { region, accessKeyId, secretAccessKey } = ready
  const { databaseUrl } = JSON.parse(readFileSync(join(dataDirectory, 'run', 'store.json'), 'utf8'))
  const postgres = owned.use(await openPostgresSyncs(databaseUrl))
  const probes = openProbes(probeDirectory, [child.pid!])
  unlessStarted.move()
  return {
    s3: { host: hostname, port: Number(port), region, accessKeyId, secretAccessKey },
    pids: [child.pid!],
    own: {
      directory: dataDirectory,
      databaseUrl,
      probes,
      async syncs() {
        const count = await postgres.count()
        return { ...(await probes.syncs()), ...(count !== undefined && { postgres: count }) }
      },
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A benchmark that is broken off leaves nothing either: neither processes nor gigabytes. */
function stopOnSignal(owned: AsyncDisposableStack): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const stop = () => void owned.disposeAsync().finally(() => process.exit(1))
    process.once(signal, stop)
    owned.defer(() => void process.off(signal, stop))
  }
}

/** `sextant ARGS…`; what it writes to standard error is shown. */
export function startProcess(args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function firstLine(child: ChildProcess): Promise<string> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the store did not start')))
  const [line] = await Promise.race([once(createInterface(child.stdout!), 'line'), ended])
  return String(line)
}
