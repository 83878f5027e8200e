import { LAST_PART_ID, type ServerNumber } from '../../../src/base/ids.ts'
import { live } from '../../meta/fixture.ts'
import type { Draws, Move } from './draws.ts'

/** What sweeps and jobs ask for. */
export const upkeepMoves: readonly ((draws: Draws) => Move)[] = [sweep, session, damage, repair, strays, census]

function sweep(draws: Draws): Move {
  const graceMs = draws.chance.one([0, 30_000])
  const isForgotten = draws.chance.happens(0.7)
  return {
    name: `sweep doomed, grace ${graceMs}`,
    async ask({ sweeps }) {
      const doomed = await sweeps.findDoomedParts({ graceMs, after: '', rowsMax: 100 }, live)
      if (isForgotten)
        await sweeps.forgetDoomedParts(
          doomed.map(({ partId }) => partId),
          live,
        )
      return doomed
    },
  }
}

function session(draws: Draws): Move {
  const what = draws.chance.one(['open', 'touch', 'close', 'end', 'forget'])
  const number = 1 + draws.chance.integer(Math.max(1, draws.sessions))
  if (what === 'open') draws.sessions += 1
  return {
    name: `session ${number}: ${what}`,
    async ask({ openGatewaySession, sessions, sweeps }) {
      if (what === 'open') {
        const session = await openGatewaySession({ ttlMs: 200_000 })
        sessions.set(session.session, session)
        return session.session
      }
      if (what === 'end') return await sweeps.findExpiredSessions(live)
      if (what === 'forget') return await sweeps.forgetSession(number, live)
      const session = sessions.get(number)
      return what === 'touch' ? await session?.touch(live) : await session?.close(live)
    },
  }
}

function damage(draws: Draws): Move {
  const damages = draws.someParts().flatMap(({ partId, servers }) => {
    const index = draws.chance.integer(servers.length)
    return [{ partId, index, server: draws.chance.happens(0.8) ? servers[index]! : (9 as ServerNumber), why: 'rotten' }]
  })
  return { name: `damage ${JSON.stringify(damages)}`, ask: ({ repairs }) => repairs.queueDamage(damages, live) }
}

/** All of a repair, or only the beginning of it. */
function repair(draws: Draws): Move {
  const [stops, server, isOld] = [
    draws.chance.integer(4),
    (9 + draws.chance.integer(3)) as ServerNumber,
    draws.chance.happens(0.1),
  ]
  const unwanted = {
    lost: draws.chance.one([[], [2 as ServerNumber]]),
    leaving: draws.chance.one([[], [3 as ServerNumber]]),
  }
  return {
    name: `repair up to step ${stops} to ${server}`,
    async ask({ repairs }) {
      const claimed = await repairs.claimRepairs({ rowsMax: 100, inHand: [] }, live)
      const [entry] = claimed.sort((a, b) => (a.partId < b.partId ? -1 : 1))
      if (!entry || stops === 0) return claimed
      const { partId, layout, damaged } = entry
      const before = isOld ? [] : (layout?.servers ?? [])
      const moves = before.slice(0, 1).map(() => ({ index: damaged[0] ?? 0, server }))
      const planned = await repairs.planRepair({ partId, moves }, live)
      if (stops === 1) return [claimed, planned]
      if (stops === 2) return [claimed, planned, await repairs.failRepair({ partId, error: 'it failed' }, live)]
      const outcome = await repairs.commitRepair(
        { partId, before, moves, settled: damaged, graceMs: 10_000, ...unwanted },
        live,
      )
      return [claimed, planned, outcome]
    },
  }
}

function strays(draws: Draws): Move {
  const server = (1 + draws.chance.integer(11)) as ServerNumber
  const isForgotten = draws.chance.happens(0.6)
  return {
    name: `strays on ${server}`,
    async ask({ sweeps }) {
      const strays = await sweeps.claimStrays({ server, rowsMax: 100 }, live)
      if (isForgotten) await sweeps.forgetStrays(strays, live)
      return strays
    },
  }
}

function census(draws: Draws): Move {
  const graceMs = draws.chance.one([20_000, 100_000])
  const queued = draws.someParts().map(({ partId }) => ({
    partId,
    missing: draws.chance.integer(3),
    spare: draws.chance.integer(3),
  }))
  const isRetried = draws.chance.happens(0.3)
  return {
    name: `census, grace ${graceMs}, queues ${JSON.stringify(queued)}`,
    ask: async ({ census, repairs }) => [
      await census.observeServers({ graceMs }, live),
      await census.surveyParts({ after: '', rowsMax: 100 }, live),
      await census.queueParts(queued, live),
      isRetried && (await census.retryRepairs(100, live)),
      await census.readRepairs(live),
      await repairs.findUnwantedServers(live),
      await census.findGoneServers(live),
      await repairs.listParts({ after: '', before: LAST_PART_ID, rowsMax: 100 }, live),
    ],
  }
}
