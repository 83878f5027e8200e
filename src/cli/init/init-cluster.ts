import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type CaDeps, initCa } from '../certificates/cluster-ca.ts'
import { CommandFailure, systemCode } from '../failure.ts'
import { exists, sync, writePrivately } from '../files.ts'
import { makeAccessKeyId, makeSecretAccessKey } from '../up/secrets.ts'
import { CA, diskSettings, gatewaySettings, type HostPlan } from './plan-hosts.ts'

/** Nobody else's: the CA's key and the sealing key are below. */
const DIRECTORY_MODE = 0o700

export interface InitReport {
  directory: string
  /** Its secret is in `<first gateway>/secrets/root-key`. */
  rootAccessKeyId: string
  /** Where the schema is brought to the program's version. */
  migrateOn: string
  hosts: { name: string; directory: string; units: string[] }[]
}

interface Secrets {
  databaseUrl: string
  sealingKey: string
  rootAccessKeyId: string
  rootSecretKey: string
}

/**
 * A directory for each host, to be brought there as /etc/sextant, and one for the CA: all of it, or nothing.
 * CommandFailure: the directory is there already, or cannot be made.
 */
export async function initCluster(
  directory: string,
  { hosts, databaseUrl }: { hosts: readonly HostPlan[]; databaseUrl: string },
  deps: CaDeps,
): Promise<InitReport> {
  const target = resolve(directory)
  if (await exists(target))
    throw new CommandFailure(`${target} is there already, and is left as it is: name another directory.`)
  const { random } = deps
  const secrets: Secrets = {
    databaseUrl,
    sealingKey: random.bytes(32).toString('hex'),
    rootAccessKeyId: makeAccessKeyId(random),
    rootSecretKey: makeSecretAccessKey(random),
  }
  const draft = await makeDraft(target)
  try {
    const ca = join(draft, CA)
    await initCa(
      ca,
      hosts.map(({ names }) => names),
      deps,
    )
    for (const host of hosts) await writeHost(join(draft, host.name), { host, ca, secrets, isFirst: host === hosts[0] })
    await rename(draft, target)
    await sync(dirname(target))
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  return {
    directory: target,
    rootAccessKeyId: secrets.rootAccessKeyId,
    migrateOn: hosts[0]!.name,
    hosts: hosts.map((host) => ({ name: host.name, directory: join(target, host.name), units: unitsOf(host) })),
  }
}

/** Beside, so that it can be renamed when it is whole. */
async function makeDraft(target: string): Promise<string> {
  try {
    await mkdir(dirname(target), { recursive: true })
    return await mkdtemp(`${target}.new-`)
  } catch (error) {
    throw new CommandFailure(`${target} cannot be made (${systemCode(error)}): name another directory.`, {
      cause: error,
    })
  }
}

function unitsOf({ isGateway, disks }: HostPlan): string[] {
  const nodes = disks.map(({ name }) => `sextant-storage-node@${name}.service`)
  return [...(isGateway ? ['sextant-gateway.service'] : []), ...nodes]
}

interface HostOrder {
  host: HostPlan
  ca: string
  secrets: Secrets
  /** It migrates, too. */
  isFirst: boolean
}

async function writeHost(own: string, { host, ca, secrets, isFirst }: HostOrder): Promise<void> {
  for (const path of [own, join(own, 'tls'), join(own, 'secrets')]) await mkdir(path, { mode: DIRECTORY_MODE })
  const root = isFirst ? { SEXTANT_ROOT_ACCESS_KEY_ID: secrets.rootAccessKeyId } : {}
  const settings = { ...(host.isGateway ? gatewaySettings(host) : {}), ...root }
  await writePrivately(join(own, 'sextant.env'), environment(`All units on ${host.name}`, settings))
  for (const disk of host.disks)
    await writePrivately(
      join(own, `storage-node-${disk.name}.env`),
      environment(`sextant-storage-node@${disk.name} on ${host.name}`, diskSettings(host, disk)),
    )
  const kept = {
    'database-url': secrets.databaseUrl,
    ...(host.isGateway || isFirst ? { 'sealing-key': secrets.sealingKey } : {}),
    ...(isFirst ? { 'root-key': secrets.rootSecretKey } : {}),
  }
  for (const [name, secret] of Object.entries(kept)) await writePrivately(join(own, 'secrets', name), `${secret}\n`)
  const holders = [...(host.isGateway ? ['gateway'] : []), ...(host.disks.length > 0 ? ['storage-node'] : [])]
  const files = ['ca.crt', ...holders.flatMap((holder) => [`${holder}.crt`, `${holder}.key`])]
  for (const file of files) await copyFile(join(ca, host.name, file), join(own, 'tls', file))
}

function environment(of: string, settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  return `# ${of}. What else may be set: docs/settings.md.\n${lines.join('')}`
}
