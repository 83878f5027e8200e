import { abortable } from '../../base/abortable.ts'
import { ConfigError } from '../../base/config.ts'
import { deadline } from '../../base/deadline.ts'
import { messageOf } from '../failure.ts'
import { type Check, type Finding, failure, type Level } from './check.ts'
import { certificates } from './checks/certificates.ts'
import { clocks } from './checks/clocks.ts'
import { dataDirectory } from './checks/data-directory.ts'
import { diskSync } from './checks/disk-sync.ts'
import { faultTolerance } from './checks/fault-tolerance.ts'
import { fileSystem } from './checks/file-system.ts'
import { freeSpace } from './checks/free-space.ts'
import { memory } from './checks/memory.ts'
import { nodeVersion } from './checks/node-version.ts'
import { openFiles } from './checks/open-files.ts'
import { ports } from './checks/ports.ts'
import { postgres } from './checks/postgres.ts'
import { postgresDurability } from './checks/postgres-durability.ts'
import { postgresLimits } from './checks/postgres-limits.ts'
import { proxies } from './checks/proxies.ts'
import { requiredSettings } from './checks/required-settings.ts'
import { schema } from './checks/schema.ts'
import { secretFiles } from './checks/secret-files.ts'
import { storageConnections } from './checks/storage-connections.ts'
import { storageServers } from './checks/storage-servers.ts'
import { versions } from './checks/versions.ts'
import { type DoctorContext, type DoctorOrder, makeContext, type Role } from './context.ts'

/** In this order: what is wrong first is often why the rest is. */
export const checks: readonly Check[] = [
  nodeVersion,
  requiredSettings,
  dataDirectory,
  secretFiles,
  freeSpace,
  fileSystem,
  diskSync,
  openFiles,
  memory,
  certificates,
  proxies,
  postgres,
  postgresDurability,
  postgresLimits,
  schema,
  ports,
  storageServers,
  storageConnections,
  faultTolerance,
  versions,
  clocks,
]

export interface Told extends Finding {
  check: string
}

export interface DoctorReport {
  /** No failure; there may be warnings. */
  ok: boolean
  /** What this host was taken for; null: the settings do not say. */
  role: Role | null
  findings: Told[]
}

/** Beyond the longest that any of them asks for by itself. */
const CHECK_MS_MAX = 20_000

/** Never rejects for what is wrong with the set-up: that is what it tells. */
export async function examine(order: DoctorOrder): Promise<DoctorReport> {
  try {
    const context = makeContext(order)
    const findings: Told[] = []
    for (const check of checks) findings.push(...(await runCheck(check, context)))
    return reportOf(context.role, findings)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const wrong = error.problems.map((problem) => ({ check: requiredSettings.name, ...failure(problem) }))
    return reportOf(null, wrong)
  }
}

export async function runCheck({ name, run }: Check, context: DoctorContext): Promise<Told[]> {
  using late = deadline(context.clock, CHECK_MS_MAX)
  try {
    const found = await abortable(run(context, late.signal), late.signal)
    return [found].flat().map((finding) => ({ check: name, ...finding }))
  } catch (error) {
    return [{ check: name, ...failure(`This could not be looked at: ${messageOf(error)}`) }]
  }
}

function reportOf(role: Role | null, findings: Told[]): DoctorReport {
  return { ok: !has(findings, 'failure'), role, findings }
}

function has(findings: readonly Finding[], level: Level): boolean {
  return findings.some((finding) => finding.level === level)
}
