import { resolve } from 'node:path'
import type { ClusterCredentials } from '../../base/tls/cluster-credentials.ts'
import type { CommandDeps } from '../command-deps.ts'
import { CommandFailure } from '../failure.ts'
import { openClusterCredentials } from '../processes/cluster-credentials.ts'
import { prepareDatabase } from '../processes/migrate.ts'
import { readRunningStore } from '../store-file.ts'
import { takeDataDirectory } from '../up/data-directory.ts'
import { dataPaths } from '../up/data-paths.ts'
import { openDatabase } from '../up/database.ts'
import { loadSecrets, rootFromSettings } from '../up/secrets.ts'
import { startStore } from '../up/store.ts'

/** A database of this version, with a root account, and storage nodes that register there; no gateway. */
export interface NodesOnly extends AsyncDisposable {
  databaseUrl: string
  credentials: ClusterCredentials
  /** How many are sure to come; undefined: those that are there. */
  nodes: number | undefined
}

/** With DATABASE_URL, its nodes run already, on machines of their own. Otherwise they are started from the data directory. */
export async function openNodes(deps: CommandDeps): Promise<NodesOnly> {
  const { databaseUrl } = deps.settings
  return databaseUrl === undefined ? await startNodes(deps) : await useNodes(deps, databaseUrl)
}

async function useNodes(deps: CommandDeps, databaseUrl: string): Promise<NodesOnly> {
  const { settings, signal } = deps
  const { sealingKey } = settings
  using unlessDone = new DisposableStack()
  const credentials = unlessDone.use(await openClusterCredentials(deps))
  const root = rootFromSettings(settings)
  const keys = root && sealingKey ? { root, sealingKey } : undefined
  await prepareDatabase(deps, { url: databaseUrl, keys }, signal)
  const opened = unlessDone.move()
  return { databaseUrl, credentials, nodes: undefined, [Symbol.asyncDispose]: async () => opened.dispose() }
}

async function startNodes(deps: CommandDeps): Promise<NodesOnly> {
  const { settings, env, clock, random, log, signal, progress } = deps
  const root = resolve(settings.dataDirectory)
  if (readRunningStore(dataPaths(root).run))
    throw new CommandFailure(`A store runs on the data directory ${root}: stop it first.`)
  await using unlessDone = new AsyncDisposableStack()
  const data = unlessDone.use(await takeDataDirectory(root, { clock, waitMs: 0, onWait: () => {}, signal }))
  const { paths } = data
  const secrets = await loadSecrets(paths.secrets, settings, random)
  progress('starting PostgreSQL and the storage nodes')
  const database = unlessDone.use(
    await openDatabase({
      url: undefined,
      directory: paths.postgres,
      walArchive: settings.walArchive,
      clock,
      log,
      onRestart: () => {},
      signal,
    }),
  )
  await prepareDatabase(deps, { url: database.url, keys: secrets }, signal)
  // Of nodes that come and go with a command, nobody wants to read that they do.
  const logLevel = settings.logLevel === 'info' ? 'warn' : settings.logLevel
  const plan = { env, settings: { ...settings, logLevel, workers: 0 }, paths, secrets, databaseUrl: database.url }
  const store = unlessDone.use(
    startStore({ ...plan, s3Port: 0, adminPort: 0 }, { clock, log, lockFd: data.lockFd, onStart: () => {} }),
  )
  await store.ready
  const stack = unlessDone.move()
  return {
    databaseUrl: database.url,
    credentials: { token: secrets.clusterToken },
    nodes: settings.nodes,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
