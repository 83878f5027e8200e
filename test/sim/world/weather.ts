import type { Chance } from './chance.ts'

/** How things go between processes: probabilities, of each message or call. */
export interface Weather {
  /** A message never arrives. */
  lost: number
  /** It arrives when nobody waits for it any more. */
  late: number
  /** It arrives twice. */
  twice: number
  /** A statement is not carried out; or is, and its answer lost; or is carried out when nobody waits any more. */
  statementLost: number
  /** The process dies, at each of its steps. */
  death: number
  /** A write, sync or rename on a node's disk fails. */
  diskFailure: number
}

export const CALM: Weather = { lost: 0, late: 0, twice: 0, statementLost: 0, death: 0, diskFailure: 0 }

/** Of each kind of trouble none, little or much, so that seeds differ in what they are about. */
export function drawWeather(chance: Chance): Weather {
  const some = (much: number) => chance.one([0, much / 10, much])
  return {
    lost: some(0.02),
    late: some(0.02),
    twice: some(0.03),
    statementLost: some(0.02),
    death: some(0.002),
    diskFailure: some(0.002),
  }
}
