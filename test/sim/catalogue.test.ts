import t from 'tap'
import { clusterMoves } from './catalogue/cluster-moves.ts'
import { Draws } from './catalogue/draws.ts'
import { objectMoves } from './catalogue/object-moves.ts'
import { postgresSide } from './catalogue/postgres-side.ts'
import { answerOf, memorySide, type Side } from './catalogue/sides.ts'
import { upkeepMoves } from './catalogue/upkeep-moves.ts'
import { Chance } from './world/chance.ts'

/*
 * The simulation's catalogue is a double of the real one: both are asked the same, and must answer the same and hold the
 * same rows, so that what the simulation shows is true of PostgreSQL too.
 */
const SEEDS = Number(process.env.SEXTANT_TEST_CATALOGUE_SEEDS ?? 12)
const FROM = Number(process.env.SEXTANT_TEST_CATALOGUE_FROM ?? 1)
const MOVES = 150
/** Passes with each, in both. */
const MOVE_MS = 2_111
const all = [...objectMoves, ...objectMoves, ...upkeepMoves, ...clusterMoves]

t.test('the catalogue in memory and the one on PostgreSQL answer the same', async (t) => {
  await using postgres = await postgresSide()
  for (let seed = FROM; seed < FROM + SEEDS; seed++) {
    await postgres.renew()
    const memory = await memorySide(postgres.bucket.ownerId)
    const difference = await compare(seed, postgres, memory)
    if (!difference) continue
    t.same(difference.ours, difference.theirs, `seed ${seed}: ${difference.moves.at(-1)}`)
    t.comment(difference.moves.slice(-40).join('\n'))
  }
  t.pass(`${SEEDS} seeds`)
})

interface Difference {
  ours: unknown
  theirs: unknown
  /** All that was asked. */
  moves: string[]
}

/** The first one. Rows are looked at now and then. */
async function compare(seed: number, postgres: Side, memory: Side): Promise<Difference | undefined> {
  const draws = new Draws(new Chance(seed), postgres.bucket.ownerId)
  const moves: string[] = []
  for (let n = 1; n <= MOVES; n++) {
    const move = draws.chance.one(all)(draws)
    moves.push(move.name)
    const look = async (side: Side) => {
      await side.advance(MOVE_MS)
      const answer = await answerOf(side, move)
      return n % 10 === 0 ? [answer, await side.dump()] : [answer]
    }
    const [theirs, ours] = [await look(postgres), await look(memory)]
    if (JSON.stringify(theirs) !== JSON.stringify(ours)) return { ours, theirs, moves }
  }
  return undefined
}
