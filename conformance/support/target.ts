import { type RunningStore, startStore } from './store.ts'

/** Where the suites are aimed, and with whose keys. The one file here that reads the environment. */
export interface Target {
  endpoint: URL
  region: string
  owner: Credentials
  /** A second account's key; undefined when the endpoint came without one. */
  other: Credentials | undefined
  /** A key of the owner's account with the policy of limited-key.json; undefined when the endpoint came without one. */
  limited: Credentials | undefined
  /** The domain of virtual-host style; undefined when not known to be set. */
  domain: string | undefined
  /** A key for SSE-KMS; undefined when not known to be there. */
  kmsKey: string | undefined
  /** The file of the certificate to trust at an https endpoint; absent when it is one that everybody trusts. */
  certificate?: string
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
  return {
    endpoint: new URL(env.CONFORMANCE_ENDPOINT),
    region: env.AWS_REGION ?? 'us-east-1',
    owner,
    other: credentials(env.CONFORMANCE_OTHER_ACCESS_KEY_ID, env.CONFORMANCE_OTHER_SECRET_ACCESS_KEY),
    limited: credentials(env.CONFORMANCE_LIMITED_ACCESS_KEY_ID, env.CONFORMANCE_LIMITED_SECRET_ACCESS_KEY),
    domain: env.CONFORMANCE_DOMAIN || undefined,
    kmsKey: env.CONFORMANCE_KMS_KEY || undefined,
    ...(env.CONFORMANCE_CERTIFICATE && { certificate: env.CONFORMANCE_CERTIFICATE }),
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
    ...(target.limited && {
      CONFORMANCE_LIMITED_ACCESS_KEY_ID: target.limited.accessKeyId,
      CONFORMANCE_LIMITED_SECRET_ACCESS_KEY: target.limited.secretAccessKey,
    }),
    ...(target.domain && { CONFORMANCE_DOMAIN: target.domain }),
    ...(target.kmsKey && { CONFORMANCE_KMS_KEY: target.kmsKey }),
    // Node's own clients trust it from their start.
    ...(target.certificate && {
      CONFORMANCE_CERTIFICATE: target.certificate,
      NODE_EXTRA_CA_CERTS: target.certificate,
    }),
  }
}

function credentials(accessKeyId?: string, secretAccessKey?: string): Credentials | undefined {
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined
}
