import { abortable } from '../../base/abortable.ts'
import type { Clock, Random } from '../../base/clock.ts'
import type { ConfigSource, Settings } from '../../base/config.ts'
import type { Log } from '../../base/log.ts'
import { aborted } from '../abort.ts'
import { heedsHangUp } from '../processes/identities.ts'
import { prepareDatabase } from '../processes/migrate.ts'
import { type Orders, takeOrders } from '../processes/orders.ts'
import { checkTogether } from '../processes/required.ts'
import { removeStoreFile, writeStoreFile } from '../store-file.ts'
import { announce, announceAsJson, urlOf } from './announce.ts'
import { type DataDirectory, takeDataDirectory } from './data-directory.ts'
import { type Database, openDatabase } from './database.ts'
import type { StorePlan } from './plans.ts'
import { findPorts } from './ports.ts'
import { loadSecrets } from './secrets.ts'
import { type Store, startStore } from './store.ts'
import { waitUntilServing } from './wait-until-serving.ts'

export interface UpOptions {
  settings: Settings
  source: ConfigSource
  clock: Clock
  random: Random
  log: Log
  /** Announce in one line of JSON. */
  json: boolean
}

/** Beyond the drain of an earlier start: its nodes and PostgreSQL, which may write a checkpoint, end too. */
const LEFTOVERS_MS_MAX = 30_000

/** Starts everything, runs until told to stop, stops everything in order; answers the exit code. */
export async function runUp(options: UpOptions): Promise<number> {
  const { settings, source, clock } = options
  using orders = takeOrders({
    isSupervised: false,
    // npm itself may be killed, and would leave us behind.
    watchesParent: source.env.npm_lifecycle_event !== undefined,
    drainMs: settings.drainMs,
    clock,
    reopensFiles: heedsHangUp(settings),
  })
  try {
    await runStore(options, orders)
  } catch (error) {
    // Told to stop in the middle of the start: what was begun is undone by now, and that is what was asked for.
    if (!orders.stop.aborted) throw error
    options.log.warn({ err: error }, 'stopped before it served')
  }
  return 0
}

async function runStore(options: UpOptions, orders: Orders): Promise<void> {
  const { settings, clock, log } = options
  checkTogether(settings)
  const startedMs = performance.now()
  await using data = await takeDataDirectory(settings.dataDirectory, {
    clock,
    waitMs: settings.drainMs + LEFTOVERS_MS_MAX,
    onWait: () => log.warn({}, 'waiting for the processes of an earlier start to end'),
    signal: orders.stop,
  })
  orders.stop.addEventListener('abort', () => void data.noteStopping().catch(() => {})) // only a courtesy
  removeStoreFile(data.paths.run)
  const planned = await planStore(options, data)
  let keepStoreFile = () => {}
  await using database = await openDatabase({
    url: settings.databaseUrl,
    directory: data.paths.postgres,
    walArchive: settings.walArchive,
    clock,
    log,
    onRestart: () => keepStoreFile(),
    signal: orders.stop,
  })
  const plan = { ...planned, databaseUrl: database.url }
  await prepareDatabase(options, { url: database.url, keys: plan.secrets }, orders.stop)

  await using store = startStore(plan, { clock, log, lockFd: data.lockFd, onStart: () => keepStoreFile() })
  keepStoreFile = () => writeStoreFile(data.paths.run, describeStore(plan, database, store))
  await abortable(store.ready, orders.stop)
  await waitUntilServing(`${adminUrlOf(plan)}/health/ready`, settings.nodes, { clock, log, signal: orders.stop })
  tell(options, plan, store, performance.now() - startedMs)

  await aborted(orders.stop)
  await store.stop(settings.drainMs, orders.hurry)
  removeStoreFile(data.paths.run)
}

/** What can be known before anything is started: ports that are free, and the secrets. */
async function planStore(
  { settings, source, random }: UpOptions,
  { paths }: DataDirectory,
): Promise<Omit<StorePlan, 'databaseUrl'>> {
  const [s3Port, adminPort] = await findPorts(
    [
      {
        host: settings.s3Host,
        port: settings.s3Port,
        hostVariable: 'SEXTANT_S3_HOST',
        portVariable: 'SEXTANT_S3_PORT',
      },
      {
        host: settings.adminHost,
        port: settings.adminPort,
        hostVariable: 'SEXTANT_ADMIN_HOST',
        portVariable: 'SEXTANT_ADMIN_PORT',
      },
    ],
    random,
  )
  const secrets = await loadSecrets(paths.secrets, settings, random)
  return { env: source.env, settings, paths, s3Port, adminPort, secrets }
}

function describeStore(plan: StorePlan, database: Database, store: Store) {
  return {
    pid: process.pid,
    endpoint: endpointOf(plan),
    adminUrl: adminUrlOf(plan),
    databaseUrl: database.url,
    isDatabaseOurs: database.pid !== undefined,
    processes: [
      ...store.processes(),
      ...(database.pid === undefined ? [] : [{ name: 'PostgreSQL', pid: database.pid }]),
    ],
  }
}

function tell({ json }: UpOptions, plan: StorePlan, store: Store, startMs: number): void {
  const announcement = {
    endpoint: endpointOf(plan),
    adminUrl: adminUrlOf(plan),
    region: plan.settings.region,
    root: plan.secrets.root,
    dataDirectory: plan.paths.root,
    processes: store.processes(),
    startMs: Math.round(startMs),
  }
  if (json) announceAsJson(announcement)
  else announce(announcement)
}

const endpointOf = ({ settings, s3Port }: StorePlan) =>
  urlOf(settings.s3Host, s3Port, { isSecure: settings.s3TlsCert !== undefined })
const adminUrlOf = ({ settings, adminPort }: StorePlan) =>
  urlOf(settings.adminHost, adminPort, { isSecure: settings.adminTlsCert !== undefined })
