import { totalmem } from 'node:os'
import type { Settings } from '../../../base/config.ts'
import { showRounded } from '../../commands/show.ts'
import { type Check, ok, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

const MIB = 1024 * 1024
/** Of a process under load, beside what its settings bound; by measurement, rounded up. */
const GATEWAY_BYTES = 250 * MIB
const NODE_BYTES = 150 * MIB
/** Its shared buffers and a few dozen connections. */
const POSTGRES_BYTES = 400 * MIB
/** The rest is the system's, and the cache of its files. */
const SHARE_MAX = 0.8

export const memory: Check = {
  name: 'memory',
  async run(context) {
    const needed = neededBytes(context)
    const there = memoryBytes()
    const told = `up to ${showRounded(needed)} by the settings, of ${showRounded(there)}`
    if (needed <= there * SHARE_MAX) return ok(`memory: ${told}`)
    return warning(
      `The processes here may take ${told}: lower SEXTANT_WORKERS, SEXTANT_CHUNK_CACHE_BYTES or SEXTANT_STRIPE_POOL_BYTES, or add memory.`,
    )
  },
}

function neededBytes({ role, settings }: DoctorContext): number {
  if (role === 'storage-node') return NODE_BYTES
  if (role === 'gateway') return gatewayBytes(settings)
  const own = settings.databaseUrl === undefined ? POSTGRES_BYTES : 0
  return settings.workers * gatewayBytes(settings) + settings.nodes * NODE_BYTES + own
}

function gatewayBytes({ stripePoolBytes, slowUploadBytes, compressionBytes, chunkCacheBytes }: Settings): number {
  return GATEWAY_BYTES + stripePoolBytes + slowUploadBytes + compressionBytes + chunkCacheBytes
}

/** Of the machine, or of the container. */
function memoryBytes(): number {
  const bound = process.constrainedMemory()
  return bound > 0 ? Math.min(bound, totalmem()) : totalmem()
}
