import { DATA_CHUNKS } from '../../../base/limits.ts'
import { type Check, type Finding, failure, orOk, skipped, warning } from '../check.ts'

/** What the loss of a server, or of a zone, would do. */
export const faultTolerance: Check = {
  name: 'fault tolerance',
  async run({ role, settings, servers }) {
    if (role === 'storage-node') return skipped('the parity is for gateways to know')
    const asked = await servers()
    if (asked.is !== 'there') return skipped(asked.reason)
    const alive = asked.value.filter(({ isStale, status }) => !isStale && status !== 'failed')
    if (alive.length === 0) return skipped('there are no storage servers')
    return judgeTolerance({ parity: settings.parityChunks, zones: alive.map(({ zone }) => zone) })
  },
}

/** `zones`: of each server, '' where it has none. */
export function judgeTolerance({ parity, zones }: { parity: number; zones: readonly string[] }): Finding[] {
  const chunks = DATA_CHUNKS + parity
  const servers = zones.length
  if (parity === 0)
    return [failure('SEXTANT_PARITY is 0, so the loss of any disk is the loss of data: set it to 2, for new objects.')]
  const onOne = Math.ceil(chunks / servers)
  const lost = Math.floor(parity / onOne)
  if (lost === 0)
    return [
      failure(
        `With ${servers} storage servers up to ${onOne} of the ${chunks} chunks of a part lie on one, and only ${parity} may be lost: add servers, ${Math.ceil(chunks / parity)} in all at least.`,
      ),
    ]
  const told = `data outlives the loss of any ${lost === 1 ? 'one' : lost} of ${servers} storage servers`
  return orOk(judgeZones({ chunks, parity, zones }), told)
}

function judgeZones({
  chunks,
  parity,
  zones,
}: {
  chunks: number
  parity: number
  zones: readonly string[]
}): Finding[] {
  const names = new Set(zones.filter((zone) => zone !== ''))
  if (names.size === 0) return []
  if (zones.includes(''))
    return [
      warning('Some storage servers have no zone, and count for none: set SEXTANT_ZONE for all of them, or none.'),
    ]
  const inOne = Math.ceil(chunks / names.size)
  if (names.size < 2 || inOne > parity)
    return [
      warning(
        `There ${names.size === 1 ? 'is one zone' : `are ${names.size} zones`}, and with one of them ${Math.min(inOne, chunks)} of ${chunks} chunks go, where ${parity} may: ${Math.ceil(chunks / parity)} zones would outlive that.`,
      ),
    ]
  return []
}
