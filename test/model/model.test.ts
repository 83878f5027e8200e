import { randomBytes } from 'node:crypto'
import t from 'tap'
import { checkSequences } from './check-sequences.ts'
import { showFailure } from './show-failure.ts'
import { makeSteps } from './steps.ts'
import { openStoreHere } from './store-here.ts'

/** The short form. `npm run model` is the long one, on a whole store. */
const SEQUENCES = 100
const from = randomBytes(3).readUIntBE(0, 3)

t.test(`${SEQUENCES} random sequences of operations: every answer is what the model says`, async (t) => {
  await using store = await openStoreHere()
  const { sequences, failures } = await checkSequences(store.target, { from, sequences: SEQUENCES, jobs: 16 })
  t.same(failures.map(showFailure), [], `from seed ${from}`)
  t.equal(sequences, SEQUENCES)
})

t.test('the same seed makes the same steps, another one others', async (t) => {
  t.same(makeSteps(from), makeSteps(from))
  t.notSame(makeSteps(from), makeSteps(from + 1))
})
