import { connectMeta } from '../../meta/connect.ts'
import { migrate } from '../../meta/migrate.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import type { RootCredentials } from '../up/secrets.ts'
import { rootFromSettings } from '../up/secrets.ts'
import type { ProcessDeps } from './deps.ts'
import { required } from './required.ts'

/** `sextant migrate`: the schema, and the root account where its keys are in the environment. Answers the steps taken. */
export async function runMigrate(deps: ProcessDeps): Promise<number> {
  const { settings } = deps
  const { databaseUrl: url } = required(settings, ['databaseUrl'])
  const root = rootFromSettings(settings)
  const keys = root && { root, ...required(settings, ['sealingKey']) }
  return await prepareDatabase(deps, { url, keys }, AbortSignal.timeout(MIGRATE_MS_MAX))
}

const MIGRATE_MS_MAX = 3_600_000

export interface PrepareOptions {
  url: string
  /** Of the root account, which is made or changed to them. */
  keys: { root: RootCredentials; sealingKey: Buffer } | undefined
}

/** Brings the database to this version, and makes the root account. Answers how many steps were taken. CommandFailure. */
export async function prepareDatabase(
  { clock, random, log }: Pick<ProcessDeps, 'clock' | 'random' | 'log'>,
  { url, keys }: PrepareOptions,
  signal: AbortSignal,
): Promise<number> {
  try {
    const steps = await migrate({ url, log, signal })
    if (!keys) return steps
    const { root, sealingKey } = keys
    await using meta = await connectMeta({ url, sealingKey, clock, random, log })
    await meta.accounts.ensureRoot(root, signal)
    return steps
  } catch (error) {
    signal.throwIfAborted()
    throw new CommandFailure(`The database cannot be used: ${messageOf(error)}`, { cause: error })
  }
}
