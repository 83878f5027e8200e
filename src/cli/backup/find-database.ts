import { join, resolve } from 'node:path'
import type { CommandDeps } from '../command-deps.ts'
import { CommandFailure } from '../failure.ts'
import { exists } from '../files.ts'
import { startPostgres } from '../postgres/start.ts'
import { readRunningStore } from '../store-file.ts'
import { takeDataDirectory } from '../up/data-directory.ts'
import { dataPaths } from '../up/data-paths.ts'

export interface FoundDatabase extends AsyncDisposable {
  url: string
  /** Whether it is the server that Sextant runs, in its data directory. */
  isOurs: boolean
}

/** The store's database: the one that DATABASE_URL names, that of the running store, or, while none runs, ours started for this. */
export async function findDatabase(deps: CommandDeps): Promise<FoundDatabase> {
  const { settings, clock, log, signal } = deps
  const paths = dataPaths(resolve(settings.dataDirectory))
  const nothing = async () => {}
  if (settings.databaseUrl !== undefined)
    return { url: settings.databaseUrl, isOurs: false, [Symbol.asyncDispose]: nothing }
  const running = readRunningStore(paths.run)
  if (running) return { url: running.databaseUrl, isOurs: running.isDatabaseOurs, [Symbol.asyncDispose]: nothing }
  if (!(await exists(join(paths.postgres, 'cluster')))) {
    throw new CommandFailure(
      `There is no store in the data directory ${paths.root}: name its data directory by SEXTANT_DATA_DIR, or its database by DATABASE_URL.`,
    )
  }
  await using unlessDone = new AsyncDisposableStack()
  unlessDone.use(await takeDataDirectory(paths.root, { clock, waitMs: 0, onWait: () => {}, signal }))
  const server = await startPostgres({ directory: paths.postgres, walArchive: settings.walArchive, log, signal })
  unlessDone.defer(() => server.stop())
  const stack = unlessDone.move()
  return { url: server.url, isOurs: true, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
