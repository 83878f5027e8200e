import type { Clock, Random } from '../../base/clock.ts'
import type { Settings } from '../../base/config.ts'
import type { Log } from '../../base/log.ts'

/** What every process is made of. */
export interface ProcessDeps {
  settings: Settings
  clock: Clock
  random: Random
  log: Log
}
