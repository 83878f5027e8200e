import t from 'tap'
import { makePartId, type ServerNumber } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import type { ChunkDamage } from '../../src/engine/ports/damage-reports.ts'
import { startDamageReports } from '../../src/upkeep/damage-reports.ts'
import { until } from '../support/until.ts'

/** A clock whose pauses take no time, and whose time is the test's. */
function quickClock() {
  return {
    ...systemClock,
    now: 1_000_000,
    nowMs() {
      return this.now
    },
    after: (_: number, run: () => void) => systemClock.after(5, run),
  }
}

function start(queue: (damages: readonly ChunkDamage[]) => Promise<void>) {
  const clock = quickClock()
  const queueDamage = async (damages: readonly ChunkDamage[]) => {
    await queue(damages)
    return damages.length
  }
  return { clock, reports: startDamageReports({ catalogue: { queueDamage }, clock, log: silentLog }) }
}

const damageOf = (n: number, index = 0): ChunkDamage => ({
  partId: makePartId(1000 + n, { a: 1, b: 2 }, 3),
  index,
  server: 4 as ServerNumber,
  why: 'rotten',
})

t.test('damage that many reads meet is told once, with what comes close to it, and again after a minute', async (t) => {
  const told: (readonly ChunkDamage[])[] = []
  const { clock, reports } = start(async (damages) => void told.push(damages))
  for (let read = 0; read < 100; read++) {
    reports.reportDamage(damageOf(1))
    reports.reportDamage(damageOf(1, 5))
  }
  await until(() => told.length > 0)
  t.same(told, [[damageOf(1), damageOf(1, 5)]])
  reports.reportDamage(damageOf(1))
  reports.reportDamage(damageOf(2))
  await until(() => told.length > 1)
  t.same(told[1], [damageOf(2)])
  clock.now += 61_000
  reports.reportDamage(damageOf(1))
  await until(() => told.length > 2)
  t.same(told[2], [damageOf(1)])
  await reports[Symbol.asyncDispose]()
})

t.test('while the catalogue is away reports wait, as many as there is room for', async (t) => {
  let isAway = true
  const told: ChunkDamage[] = []
  const { reports } = start(async (damages) => {
    if (isAway) throw new Error('away')
    t.ok(damages.length <= 500)
    told.push(...damages)
  })
  for (let n = 0; n < 12_000; n++) reports.reportDamage(damageOf(n))
  await systemClock.sleep(50)
  t.same(told, [])
  isAway = false
  await until(() => told.length === 10_000)
  await systemClock.sleep(50)
  t.equal(new Set(told.map(({ partId }) => partId)).size, 10_000)
  await reports[Symbol.asyncDispose]()
})

t.test('reading goes on whatever becomes of a report, also after the end', async (t) => {
  const { reports } = start(() => new Promise(() => {}))
  reports.reportDamage(damageOf(1))
  await systemClock.sleep(20)
  reports.reportDamage(damageOf(2))
  await Promise.race([reports[Symbol.asyncDispose](), systemClock.sleep(50)])
  t.doesNotThrow(() => reports.reportDamage(damageOf(3)))
})
