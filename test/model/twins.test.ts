import { randomBytes } from 'node:crypto'
import t from 'tap'
import { checkSequences } from './check-sequences.ts'
import { showFailure } from './show-failure.ts'
import { openStoreHere } from './store-here.ts'
import { twins } from './twins.ts'

/** Whatever is broken shows within so many: ten times what the rarest takes on average. */
const SEQUENCES_MAX = 1000
const from = randomBytes(3).readUIntBE(0, 3)
const store = await openStoreHere()
t.teardown(() => store[Symbol.asyncDispose]())

for (const [name, twist] of Object.entries(twins)) {
  t.test(`found out: a store that ${name}`, async (t) => {
    const options = { from, sequences: SEQUENCES_MAX, jobs: 4, twist, failuresMax: 1, shrinks: false }
    const { sequences, failures } = await checkSequences(store.target, options)
    t.ok(failures.length > 0, `within ${sequences} sequences from seed ${from}`)
    t.comment(failures.slice(0, 1).map(showFailure).join('\n'))
  })
}
