import type { ServerId, ServerNumber } from '../../../src/base/ids.ts'
import { live } from '../../meta/fixture.ts'
import type { Draws, Move } from './draws.ts'

/** Never together what anything waits for. */
const ADVANCES_MS = [1_100, 17_300, 46_700, 131_900, 703_300]
const JOBS = ['census', 'repair', 'scrub', 'rebalance']

/** What servers and job runners ask for; and time. */
export const clusterMoves: readonly ((draws: Draws) => Move)[] = [server, job, advance]

function server(draws: Draws): Move {
  const { capacityBytes, availableBytes } = { capacityBytes: 1e9, availableBytes: draws.chance.one([5e8, 1e7]) }
  if (draws.servers < 4 || draws.chance.happens(0.05)) {
    draws.servers += 1
    const server = { ...serverOf(draws.servers), capacityBytes, availableBytes }
    return { name: `register ${server.id}`, ask: ({ registry }) => registry.register(server, live) }
  }
  const number = 1 + draws.chance.integer(draws.servers + 1)
  if (draws.chance.happens(0.3)) {
    const order = {
      server: number as ServerNumber,
      status: draws.chance.one(['up', 'cordoned', 'draining', 'removed'] as const),
    }
    return { name: `server ${number}: ${order.status}`, ask: ({ servers }) => servers.setServerStatus(order, live) }
  }
  const beat = {
    id: serverOf(number).id,
    capacityBytes,
    availableBytes,
    chunkCount: 1,
    writable: draws.chance.happens(0.8),
    beatsSeen: 0,
  }
  return { name: `heartbeat ${number} ${beat.writable}`, ask: ({ registry }) => registry.heartbeat(beat, live) }
}

function job(draws: Draws): Move {
  const lease = { name: draws.chance.one(JOBS), runner: draws.chance.one(['x', 'y']), leaseMs: 100_000 }
  const [what, isPaused] = [draws.chance.one(['take', 'renew', 'release', 'pause', 'wake']), draws.chance.happens(0.3)]
  const progress = { parts: draws.chance.integer(100) }
  const release = {
    ...lease,
    progress,
    dueInMs: draws.chance.one([0, 50_000, Number.POSITIVE_INFINITY]),
    error: draws.chance.one([undefined, 'why']),
  }
  return {
    name: `job ${lease.name}: ${what} by ${lease.runner}`,
    async ask({ jobs }) {
      if (what === 'take') return await jobs.takeJob(lease, live)
      if (what === 'renew') return await jobs.renewJob({ ...lease, progress }, live)
      if (what === 'release') return await jobs.releaseJob(release, live)
      return what === 'pause'
        ? await jobs.pauseJob({ name: lease.name, isPaused }, live)
        : await jobs.wakeJob(lease.name, live)
    },
  }
}

function advance(draws: Draws): Move {
  const ms = draws.chance.one(ADVANCES_MS)
  return { name: `${ms} ms pass`, ask: (side) => side.advance(ms) }
}

function serverOf(number: number) {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as ServerId
  return { id, grpcAddress: 'x', socketPath: '', dataDirectory: '', zone: '', points: [] }
}
