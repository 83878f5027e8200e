import t from 'tap'
import type { PartId, ServerNumber } from '../../src/base/ids.ts'
import { makePartId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import type { StorageServer } from '../../src/engine/ports/cluster.ts'
import type { DoomedPart, StrayChunk, UpkeepCatalogue } from '../../src/upkeep/ports/sweeps.ts'
import { startSweeps } from '../../src/upkeep/sweeps.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

const SERVERS = [1, 2, 3] as ServerNumber[]

/** A catalogue of doomed parts and sessions in memory. */
class MemoryUpkeep implements UpkeepCatalogue {
  doomed: DoomedPart[] = []
  expiredSessions = new Set<number>()
  known = new Set<PartId>()
  expiredUploads = 0
  strays: StrayChunk[] = []
  async exclusively(_: string, run: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) {
    await run(signal)
    return true
  }
  async compareBeats({ beats }: { beats: number }) {
    return beats === 0
  }
  async expireUploads(rowsMax: number) {
    const count = Math.min(rowsMax, this.expiredUploads)
    this.expiredUploads -= count
    return count
  }
  async findDoomedParts({ after, rowsMax }: { after: string; rowsMax: number }) {
    return this.doomed.filter((part) => part.partId > after).slice(0, rowsMax)
  }
  async forgetDoomedParts(ids: readonly PartId[]) {
    this.doomed = this.doomed.filter((part) => !ids.includes(part.partId))
  }
  async findExpiredSessions() {
    return [...this.expiredSessions]
  }
  async findUnknownParts(ids: readonly PartId[]) {
    return ids.filter((id) => !this.known.has(id))
  }
  async forgetSession(session: number) {
    this.expiredSessions.delete(session)
  }
  async claimStrays({ server, rowsMax }: { server: ServerNumber; rowsMax: number }) {
    return this.strays.filter((stray) => stray.server === server).slice(0, rowsMax)
  }
  async forgetStrays(strays: readonly StrayChunk[]) {
    this.strays = this.strays.filter((stray) => !strays.includes(stray))
  }
}

function cluster() {
  const nodes = new MemoryNodes(SERVERS.length)
  const catalogue = new MemoryUpkeep()
  const servers = new Map(SERVERS.map((number) => [number, { number, status: 'up' } as StorageServer]))
  const deps = { catalogue, chunks: nodes, cluster: { servers: () => servers }, clock: systemClock, log: silentLog }
  const sweeps = startSweeps(deps, { intervalMs: 3_600_000, doomedGraceMs: 0 })
  let made = 0
  /** A part with a chunk on every server. */
  const part = (session: number): DoomedPart => {
    const partId = makePartId(1000 + made++, { a: 1, b: 2 }, session)
    for (const [index, server] of SERVERS.entries())
      nodes.stored.get(server)!.set(`${partId}/${index}`, Buffer.from('x'))
    return {
      partId,
      sizeBytes: 1,
      blockBytes: 1,
      parityChunks: 2,
      servers: SERVERS,
      chunkHashes: Buffer.alloc(0),
      doomedAt: new Date(0),
    }
  }
  return { nodes, catalogue, servers, sweeps, part }
}

t.test('doomed parts: chunks are deleted everywhere, then the rows', async (t) => {
  const { nodes, catalogue, sweeps, part } = cluster()
  for (let n = 0; n < 1200; n++) catalogue.doomed.push(part(1))
  const kept = part(1)
  await sweeps.sweepNow()
  t.equal(nodes.chunkCount(), 3)
  t.ok(nodes.stored.get(SERVERS[0]!)!.has(`${kept.partId}/0`))
  t.equal(catalogue.doomed.length, 0)
  await sweeps[Symbol.asyncDispose]()
})

t.test('a node that is down: its parts wait, later ones do not', async (t) => {
  const { nodes, catalogue, sweeps, part } = cluster()
  const first = part(1)
  const second = { ...part(1), servers: SERVERS.slice(0, 2) }
  nodes.stored.get(SERVERS[2]!)!.delete(`${second.partId}/2`)
  catalogue.doomed.push(first, second)
  nodes.down.add(SERVERS[2]!)
  await sweeps.sweepNow()
  t.same(
    catalogue.doomed.map((p) => p.partId),
    [first.partId],
  )
  nodes.down.clear()
  await sweeps.sweepNow()
  t.equal(catalogue.doomed.length, 0)
  t.equal(nodes.chunkCount(), 0)
  await sweeps[Symbol.asyncDispose]()
})

t.test('what an expired gateway session left is deleted, what is referred to is not', async (t) => {
  const { nodes, catalogue, sweeps, part } = cluster()
  const orphan = part(7)
  const referred = part(7)
  catalogue.known.add(referred.partId)
  catalogue.expiredSessions.add(7)
  await sweeps.sweepNow()
  t.equal(nodes.chunkCount(), 3)
  t.notOk(nodes.stored.get(SERVERS[0]!)!.has(`${orphan.partId}/0`))
  t.equal(catalogue.expiredSessions.size, 0)
  await sweeps[Symbol.asyncDispose]()
})

t.test('a session is not forgotten while a server could not be asked', async (t) => {
  const { nodes, catalogue, servers, sweeps, part } = cluster()
  part(7)
  catalogue.expiredSessions.add(7)
  nodes.down.add(SERVERS[1]!)
  await sweeps.sweepNow()
  t.equal(catalogue.expiredSessions.size, 1)
  servers.set(SERVERS[1]!, { number: SERVERS[1]!, status: 'removed' } as StorageServer)
  await sweeps.sweepNow()
  t.equal(catalogue.expiredSessions.size, 0, 'a removed server is not waited for')
  await sweeps[Symbol.asyncDispose]()
})

t.test('expired uploads: round after round until none is left', async (t) => {
  const { catalogue, sweeps } = cluster()
  catalogue.expiredUploads = 250
  await sweeps.sweepNow()
  t.equal(catalogue.expiredUploads, 0)
  await sweeps[Symbol.asyncDispose]()
})

t.test(
  'strays: deleted where they lie; a server that is away keeps its own for later, a removed one is not asked',
  async (t) => {
    const { nodes, catalogue, servers, sweeps, part } = cluster()
    const { partId } = part(1)
    catalogue.strays = SERVERS.map((server, index) => ({ partId, index, server }))
    nodes.down.add(SERVERS[0]!).add(SERVERS[1]!)
    servers.set(SERVERS[1]!, { number: SERVERS[1]!, status: 'removed' } as StorageServer)
    await sweeps.sweepNow()
    t.same(
      catalogue.strays.map(({ server }) => server),
      [SERVERS[0]],
    )
    t.equal(nodes.stored.get(SERVERS[2]!)!.size, 0)
    nodes.down.clear()
    await sweeps.sweepNow()
    t.same(catalogue.strays, [])
    t.equal(nodes.stored.get(SERVERS[0]!)!.size, 0)
    t.equal(nodes.stored.get(SERVERS[1]!)!.size, 1, 'what was removed is not touched')
    await sweeps[Symbol.asyncDispose]()
  },
)
