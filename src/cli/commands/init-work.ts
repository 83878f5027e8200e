import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { settingTable } from '../../base/config-table.ts'
import { systemClock as clock, systemRandom as random } from '../../base/system.ts'
import { parseHost } from '../certificates/cluster-ca.ts'
import { judgeTolerance } from '../doctor/checks/fault-tolerance.ts'
import { CommandFailure } from '../failure.ts'
import { type InitReport, initCluster } from '../init/init-cluster.ts'
import { type HostPlan, planHosts } from '../init/plan-hosts.ts'
import { readSecretOption } from './read-secret.ts'

export interface InitOptions {
  gateway: string[]
  storageNode: string[]
  disks: number
  databaseUrl?: string
  databaseUrlFile?: string
}

export async function init(directory: string, options: InitOptions): Promise<InitReport & { tolerance: string }> {
  const settings = readSettings(processConfig())
  const given = await readSecretOption('--database-url', {
    given: options.databaseUrl,
    file: options.databaseUrlFile,
  })
  const databaseUrl = given ?? settings.databaseUrl
  if (databaseUrl === undefined || settingTable.databaseUrl.kind.parse(databaseUrl) === undefined)
    throw new CommandFailure(
      `--database-url-file, --database-url or DATABASE_URL has to say where PostgreSQL is: ${settingTable.databaseUrl.kind.allowed}.`,
      { exitCode: 2 },
    )
  const hosts = planHosts({
    gateways: options.gateway.map(parseHost),
    storageNodes: options.storageNode.map(parseHost),
    disks: options.disks,
  })
  const made = await initCluster(directory, { hosts, databaseUrl }, { settings, clock, random })
  return { ...made, tolerance: toleranceOf(hosts, settings.parityChunks) }
}

function toleranceOf(hosts: readonly HostPlan[], parity: number): string {
  const zones = hosts.flatMap(({ name, disks }) => disks.map(() => name))
  return judgeTolerance({ parity, zones })
    .map(({ message }) => message)
    .join(' ')
}

/** What is left to do, in order. */
export function stepsOf({ directory, hosts, migrateOn, rootAccessKeyId, tolerance }: Awaited<ReturnType<typeof init>>) {
  const startAll = (kind: string) =>
    hosts.flatMap(({ name, units }) => {
      const those = units.filter((unit) => unit.startsWith(kind)).map((unit) => unit.replace('.service', ''))
      return those.length > 0 ? [`     ${name}: systemctl enable --now ${those.join(' ')}`] : []
    })
  return [
    `${directory} has what ${hosts.length} hosts need. Keep it safe: ca/ca.key and the sealing key are in it.`,
    `With that, ${tolerance.replace(/\.$/, '')}.`,
    '',
    '  1. On every host: Sextant in /opt/sextant, the user sextant, and the units (deploy/systemd/README.md).',
    '  2. Bring each host its directory as /etc/sextant, and give tls to that user:',
    ...hosts.map((host) => `     rsync -rp ${host.directory}/ root@${host.name}:/etc/sextant/`),
    '     on each: chown -R sextant: /etc/sextant/tls',
    '  3. Storage nodes: mount the disk at /var/lib/sextant/disk1 (a second one at disk2, …).',
    `  4. The database, here and at every upgrade:`,
    `     ${migrateOn}: systemctl start sextant-migrate`,
    '  5. Start the storage nodes:',
    ...startAll('sextant-storage-node'),
    '  6. Start the gateways:',
    ...startAll('sextant-gateway'),
    '  7. See that all is well: curl http://127.0.0.1:8081/health/ready on a gateway, or `sextant doctor` (docs/deploy.md).',
    '',
    `The root account's access key is ${rootAccessKeyId}, its secret in ${directory}/${migrateOn}/secrets/root-key.`,
  ]
}
