import { makePartId, type PartId } from '../base/ids.ts'
import type { EngineDeps } from './deps.ts'

/** A fresh part id: time-ordered, unique, and telling which gateway session wrote it. */
export function newPartId({ clock, random, settings }: EngineDeps): PartId {
  return makePartId(clock.nowMs(), { a: random.integer(0x1000), b: random.integer(0x4000_0000) }, settings.session)
}
