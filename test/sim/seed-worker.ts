import { toSeedReport } from './seed-report.ts'
import { simulate } from './simulate.ts'

/** One process of `npm run sim`: it is sent seeds, and answers what came of each. */
process.on('message', async (seed: number) => {
  process.send!(toSeedReport(await simulate({ seed })))
})
