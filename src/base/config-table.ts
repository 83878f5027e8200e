import { frontSettings } from './config-front.ts'
import { insideSettings } from './config-inside.ts'
import type { ValueOf } from './config-setting.ts'

/**
 * Every setting of Sextant: the environment is read by this table alone (config.ts), and `sextant config` and
 * docs/settings.md print it. Names are a contract: others' scripts rely on them.
 */
export const settingTable = { ...frontSettings, ...insideSettings } as const

export type Settings = { readonly [K in keyof typeof settingTable]: ValueOf<(typeof settingTable)[K]> }
