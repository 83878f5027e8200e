import { isIP } from 'node:net'
import type { HostNames } from '../certificates/cluster-ca.ts'
import { CommandFailure } from '../failure.ts'

/** A host of a cluster, and what it is to run. */
export interface HostPlan {
  /** What it is called; its directory is. */
  name: string
  names: HostNames
  isGateway: boolean
  /** Storage nodes, one a disk. */
  disks: readonly DiskPlan[]
}

export interface DiskPlan {
  /** Of the unit: `disk1`. */
  name: string
  port: number
  metricsPort: number
}

export interface ClusterOrder {
  gateways: readonly HostNames[]
  storageNodes: readonly HostNames[]
  /** Of each storage node's host. */
  disks: number
}

/** Beside the hosts' directories. */
export const CA = 'ca'
const NODE_PORT = 9001
const METRICS_PORT = 9101

/** Gateways first. A host may be both. CommandFailure: two say different things of one host. */
export function planHosts({ gateways, storageNodes, disks }: ClusterOrder): HostPlan[] {
  const plans = new Map<string, HostPlan>()
  const add = (names: HostNames, role: Partial<HostPlan>) => {
    const [name] = names
    if (name === CA)
      throw new CommandFailure(`A host cannot be called ${CA}: that is where the CA lies.`, { exitCode: 2 })
    const known = plans.get(name)
    if (known && known.names.join() !== names.join())
      throw new CommandFailure(`${name} is named twice, with other addresses: name it alike.`, { exitCode: 2 })
    plans.set(name, { ...(known ?? { name, names, isGateway: false, disks: [] }), ...role })
  }
  for (const names of gateways) add(names, { isGateway: true })
  for (const names of storageNodes) add(names, { disks: planDisks(disks) })
  return [...plans.values()]
}

function planDisks(count: number): DiskPlan[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `disk${index + 1}`,
    port: NODE_PORT + index,
    metricsPort: METRICS_PORT + index,
  }))
}

/** The settings of one storage node. Disks of a host go with it, so it is their zone. */
export function diskSettings({ name, names }: HostPlan, { port, metricsPort }: DiskPlan): Record<string, string> {
  const address = addressOf(names)
  return {
    SEXTANT_NODE_HOST: address ?? '0.0.0.0',
    ...(address === undefined ? { SEXTANT_NODE_ADDRESS: `${name}:${port}` } : {}),
    SEXTANT_NODE_PORT: String(port),
    SEXTANT_NODE_METRICS_PORT: String(metricsPort),
    ...(ZONE.test(name) ? { SEXTANT_ZONE: name } : {}),
  }
}

/** As the setting takes them. */
const ZONE = /^[\w.-]{1,64}$/

export function gatewaySettings({ names }: HostPlan): Record<string, string> {
  return { SEXTANT_S3_HOST: addressOf(names) ?? '0.0.0.0' }
}

function addressOf(names: HostNames): string | undefined {
  return names.find((name) => isIP(name) !== 0)
}
