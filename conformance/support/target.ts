import { type RunningStore, startStore } from './store.ts'

/** Where the suites are aimed, and with whose keys. The one file here that reads the environment. */
export interface Target {
  endpoint: URL
  region: string
  owner: Credentials
  /** A second account's key; undefined when the endpoint came without one. */
  other: Credentials | undefined
  /** The domain of virtual-host style; undefined when not known to be set. */
  domain: string | undefined
}

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

let started: Promise<RunningStore> | undefined

/** The target of the environment; without one, a store of our own, started once a process and stopped by `releaseTarget`. */
export async function findTarget(): Promise<Target> {
  const given = targetOfEnvironment(process.env)
  if (given) return given
  started ??= startStore()
  return (await started).target
}

/** Stops what `findTarget` started; nothing when it started nothing. */
export async function releaseTarget(): Promise<void> {
  await (await started)?.[Symbol.asyncDispose]()
  started = undefined
}

export function targetOfEnvironment(env: NodeJS.ProcessEnv): Target | undefined {
  if (!env.CONFORMANCE_ENDPOINT) return undefined
  const owner = { accessKeyId: env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '' }
  if (!owner.accessKeyId || !owner.secretAccessKey)
    throw new Error('CONFORMANCE_ENDPOINT needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY beside it')
  const accessKeyId = env.CONFORMANCE_OTHER_ACCESS_KEY_ID
  const secretAccessKey = env.CONFORMANCE_OTHER_SECRET_ACCESS_KEY
  return {
    endpoint: new URL(env.CONFORMANCE_ENDPOINT),
    region: env.AWS_REGION ?? 'us-east-1',
    owner,
    other: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    domain: env.CONFORMANCE_DOMAIN || undefined,
  }
}

/** The environment in which `findTarget` finds this target. */
export function environmentOfTarget(target: Target): Record<string, string> {
  return {
    CONFORMANCE_ENDPOINT: target.endpoint.href,
    AWS_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.owner.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.owner.secretAccessKey,
    ...(target.other && {
      CONFORMANCE_OTHER_ACCESS_KEY_ID: target.other.accessKeyId,
      CONFORMANCE_OTHER_SECRET_ACCESS_KEY: target.other.secretAccessKey,
    }),
    ...(target.domain && { CONFORMANCE_DOMAIN: target.domain }),
  }
}
