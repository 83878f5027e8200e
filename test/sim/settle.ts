import type { ServerNumber } from '../../src/base/ids.ts'
import { SKEWS_MS, type World } from './world/world.ts'

const LOOK_MS = 5_000

/**
 * Nothing goes wrong any more, but for kills that were planned: servers whose disks are gone are removed, and one gateway's
 * upkeep has all the time that it needs. Throws when that does not put everything right by `limitMs`.
 */
export async function settle(world: World, limitMs: number): Promise<void> {
  const { timeline } = world.deps
  world.heal()
  await timeline.run(() => world.nodes.every((node) => isKnown(world, node.running?.disk.serverId)), limitMs)
  await removeLostServers(world)
  // Its scrub takes only what is older than its own clock says.
  await timeline.run(over(world.replaceGateways(Math.max(...SKEWS_MS))), limitMs)
  // The pass that is under way has passed some by already; the next one begins now.
  for (let pass = 0; pass < 2; pass++) await scrub(world, limitMs)
  for (;;) {
    const lookMs = timeline.nowMs + LOOK_MS
    const left = whatIsLeft(world)
    if (left.length === 0) return world.deps.steps.disarm()
    if (timeline.nowMs > limitMs - LOOK_MS) throw new Error(`it does not come to rest: ${left.join('; ')}`)
    let isTime = false
    timeline.after(lookMs - timeline.nowMs, () => {
      isTime = true
    })
    await timeline.run(() => isTime, limitMs)
  }
}

function isKnown(world: World, serverId: string | undefined): boolean {
  return [...world.database.database.rows.servers.values()].some(({ id }) => id === serverId)
}

async function removeLostServers(world: World): Promise<void> {
  const { rows } = world.database.database
  const ids = new Set(world.nodes.map(({ running }) => running?.disk.serverId))
  const lost: ServerNumber[] = [...rows.servers.values()].filter(({ id }) => !ids.has(id)).map(({ number }) => number)
  for (const server of lost) {
    await world.catalogue.cluster.setServerStatus({ server, status: 'removed' }, new AbortController().signal)
  }
}

async function scrub(world: World, limitMs: number): Promise<void> {
  const { rows } = world.database.database
  await world.catalogue.jobs.wakeJob('scrub', new AbortController().signal)
  const { timeline } = world.deps
  await timeline.run(() => rows.jobs.get('scrub')!.dueMs > timeline.nowMs, limitMs)
}

/** What upkeep has still to do, in words. */
function whatIsLeft({ database, injuries, gateways, nodes }: World): string[] {
  const { queue, strays, doomed, sessions, parts, uploads } = database.database.rows
  const repairable = [...queue.keys()].filter((id) => injuries.wouldSurvive(parts.get(id)!.layout))
  const left: string[] = []
  if (repairable.length > 0)
    left.push(`${repairable.length} parts to repair (${repairable[0]}: ${queue.get(repairable[0]!)!.error})`)
  if (strays.size > 0) left.push(`${strays.size} chunks left over`)
  if (doomed.size > 0) left.push(`${doomed.size} parts doomed`)
  const open = [...uploads.values()].filter(({ upload }) => upload.state === 'open').length
  if (open > 0) left.push(`${open} uploads open`)
  const ended = [...sessions.values()].filter(({ state }) => state !== 'forgotten').length - gateways.size
  if (ended > 0) left.push(`${ended} sessions to sweep`)
  if (gateways.size === 0) left.push('no gateway runs')
  const down = nodes.filter(({ running }) => !running)
  if (down.length > 0) left.push(`${down.map(({ name }) => name).join(', ')} to start again`)
  return left
}

function over(work: Promise<unknown>): () => boolean {
  let isOver = false
  void work.then(() => {
    isOver = true
  })
  return () => isOver
}
