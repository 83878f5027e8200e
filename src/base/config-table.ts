import { frontSettings } from './config-front.ts'
import { importSettings } from './config-import.ts'
import { insideSettings } from './config-inside.ts'
import { metricsSettings } from './config-metrics.ts'
import { notificationSettings } from './config-notifications.ts'
import { securitySettings } from './config-security.ts'
import type { ValueOf } from './config-setting.ts'
import { tlsSettings } from './config-tls.ts'
import { tracingSettings } from './config-tracing.ts'

/**
 * Every setting of Sextant: the environment is read by this table alone (config.ts), and `sextant config` and
 * docs/settings.md print it. Names are a contract: others' scripts rely on them.
 */
export const settingTable = {
  ...frontSettings,
  ...securitySettings,
  ...tlsSettings,
  ...insideSettings,
  ...notificationSettings,
  ...metricsSettings,
  ...tracingSettings,
  ...importSettings,
} as const

export type Settings = { readonly [K in keyof typeof settingTable]: ValueOf<(typeof settingTable)[K]> }
