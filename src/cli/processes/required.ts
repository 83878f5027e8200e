import { ConfigError, type Settings } from '../../base/config.ts'
import { settingTable } from '../../base/config-table.ts'

/** Settings that this process cannot do without. Throws a ConfigError that names every one that is not set. */
export function required<K extends keyof Settings>(
  settings: Settings,
  keys: readonly K[],
): { readonly [P in K]: NonNullable<Settings[P]> } {
  const missing = keys.filter((key) => settings[key] === undefined)
  if (missing.length > 0) throw new ConfigError(missing.map(sentence))
  return settings as { readonly [P in K]: NonNullable<Settings[P]> }
}

/** What settings ask of each other. Throws a ConfigError. */
export function checkTogether(settings: Settings): void {
  // Nobody could connect.
  if (settings.proxyProtocol && settings.trustedProxies === undefined) {
    throw new ConfigError([
      'SEXTANT_PROXY_PROTOCOL needs SEXTANT_TRUSTED_PROXIES: the proxies whose headers are believed.',
    ])
  }
}

function sentence(key: keyof Settings): string {
  const { name, secret, kind } = settingTable[key]
  return `${secret ? `${name}, or ${name}_FILE,` : name} must be set: ${kind.allowed}.`
}
