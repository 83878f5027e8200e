import type { SecureVersion } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { ConfigError, type Settings } from '../../base/config.ts'
import { settingTable } from '../../base/config-table.ts'
import type { Log } from '../../base/log.ts'
import { openIdentity, type TlsIdentity } from '../../base/tls/identity.ts'
import { PemError, type PemFiles } from '../../base/tls/pem-files.ts'
import { CommandFailure } from '../failure.ts'

export interface IdentityDeps {
  settings: Settings
  clock: Clock
  log: Log
}

type FileSetting = 'clusterTlsCa' | 'clusterTlsCert' | 'clusterTlsKey' | PublicFileSetting
type PublicFileSetting = 's3TlsCert' | 's3TlsKey' | 'adminTlsCert' | 'adminTlsKey'

/** Both sides are this program: nothing older is needed. */
const CLUSTER_VERSION = 'TLSv1.3'
const PUBLIC_VERSION = 'TLSv1.2'

/** What gateways and storage nodes know each other by; undefined where the settings name no certificates. */
export function openClusterIdentity(deps: IdentityDeps): TlsIdentity | undefined {
  return open(deps, { cert: 'clusterTlsCert', key: 'clusterTlsKey', ca: 'clusterTlsCa' }, CLUSTER_VERSION)
}

/** What the S3 endpoint shows its clients; undefined: it is http. */
export function openS3Identity(deps: IdentityDeps): TlsIdentity | undefined {
  return open(deps, { cert: 's3TlsCert', key: 's3TlsKey' }, PUBLIC_VERSION)
}

/** What the admin port shows; undefined: it is http. */
export function openAdminIdentity(deps: IdentityDeps): TlsIdentity | undefined {
  return open(deps, { cert: 'adminTlsCert', key: 'adminTlsKey' }, PUBLIC_VERSION)
}

/** Whether SIGHUP has files looked at anew, and is no reason to stop. */
export function heedsHangUp({ auditLog, clusterTlsCert, s3TlsCert, adminTlsCert }: HangUpSettings): boolean {
  return [auditLog, clusterTlsCert, s3TlsCert, adminTlsCert].some((path) => path !== undefined)
}

export type HangUpSettings = Pick<Settings, 'auditLog' | 'clusterTlsCert' | 's3TlsCert' | 'adminTlsCert'>

/** All of its settings, or none. Looks at the files on SIGHUP too. Faults: ConfigError, CommandFailure. */
function open(
  { settings, clock, log }: IdentityDeps,
  keys: { cert: FileSetting; key: FileSetting; ca?: FileSetting },
  minVersion: SecureVersion,
): TlsIdentity | undefined {
  const files = filesOf(settings, keys)
  if (!files) return undefined
  try {
    const identity = openIdentity({ files, minVersion, lookMs: settings.tlsLookMs, clock, log })
    const onHangUp = () => void identity.look()
    process.on('SIGHUP', onHangUp)
    return {
      get context() {
        return identity.context
      },
      get options() {
        return identity.options
      },
      onChange: identity.onChange,
      look: identity.look,
      [Symbol.dispose]() {
        process.off('SIGHUP', onHangUp)
        identity[Symbol.dispose]()
      },
    }
  } catch (error) {
    if (!(error instanceof PemError)) throw error
    throw new CommandFailure(`The certificates cannot be used. ${error.message}`, { exitCode: 2, cause: error })
  }
}

function filesOf(
  settings: Settings,
  { cert, key, ca }: { cert: FileSetting; key: FileSetting; ca?: FileSetting },
): PemFiles | undefined {
  const keys = [cert, key, ...(ca ? [ca] : [])]
  const missing = keys.filter((each) => settings[each] === undefined)
  if (missing.length === keys.length) return undefined
  if (missing.length > 0) {
    const [names, all] = [missing, keys].map((some) => some.map((each) => settingTable[each].name).join(', '))
    throw new ConfigError([`${names} must be set too: ${all} belong together.`])
  }
  return { cert: settings[cert]!, key: settings[key]!, ca: ca && settings[ca] }
}
