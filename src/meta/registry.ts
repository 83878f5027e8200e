import { StoreFault } from '../base/faults.ts'
import type { Registry } from '../storage-node/ports.ts'
import type { Database } from './database.ts'
import { heartbeat, registerServer } from './queries/cluster.ts'

/** Where storage nodes make themselves known. Faults: ServiceUnavailable, also for a heartbeat of an unknown server. */
export function registry(database: Database): Registry {
  return {
    async register(server, signal) {
      const [number] = await database.run(registerServer, server, { signal, repeatable: true })
      return number!
    },
    async heartbeat(beat, signal) {
      const [beats] = await database.run(heartbeat, beat, { signal, repeatable: true })
      if (beats === undefined) {
        throw new StoreFault('ServiceUnavailable', { reason: `server ${beat.id} is not registered` })
      }
      return beats
    },
  }
}
