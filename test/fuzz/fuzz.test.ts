import { randomBytes } from 'node:crypto'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'
import { brokenFront, type Fault } from './broken-front.ts'
import type { Target } from './field.ts'
import { type FuzzOptions, fuzz, secretOf } from './fuzz.ts'
import { growthOf } from './gateway-usage.ts'
import { showFailure } from './show-failure.ts'

/** The short form, on a gateway over a store in memory. `npm run fuzz` is the long one, on a whole store. */
const REQUESTS = 1_000
const seed = randomBytes(4).readUInt32BE()
const options: FuzzOptions = { seed, from: 0, requests: REQUESTS, connections: 64, roundRequests: 500 }

async function targetOf(s3: Awaited<ReturnType<typeof startS3>>): Promise<Target> {
  return { endpoint: new URL(s3.endpoint), region: 'us-east-1', owner: s3.key, stranger: s3.otherKey }
}

t.test(`${REQUESTS} malformed, forged and odd requests: none fails on our side, none gets in`, async (t) => {
  await using s3 = await startS3()
  const report = await fuzz(await targetOf(s3), options)
  t.same(
    report.failures.map((failure) => showFailure(failure, seed)),
    [],
  )
  const bugs = s3.logged.filter(({ level }) => level === 'error')
  t.same(bugs, [], 'and nothing is logged as a failure')
  const answered = REQUESTS - (report.statuses.get(0) ?? 0)
  t.ok(answered > 0.85 * REQUESTS, `${answered} were answered: the fuzzer is not blind`)
  for (const status of [200, 204, 400, 403, 404, 405, 501]) {
    t.ok(report.statuses.has(status), `some were answered with ${status}`)
  }
})

/** Each fault, and what has to be said of it. */
const faults: readonly (readonly [Fault, RegExp])[] = [
  ['believes everybody', /^let in: 20\d/],
  ['stores what it refuses', /a key that nobody may have set|other bytes in|in the vault/],
  ['refuses everybody', /^refused, though it is rightful/],
  ['fails now and then', /^failed on our side: 500/],
  ['tells the secret', /^told the secret/],
  ['never answers', /^(no answer|the connection is held)/],
  ['drops an object now and then', /in the vault/],
]

for (const [fault, expected] of faults) {
  t.test(`a gateway that ${fault} is found out`, async (t) => {
    await using s3 = await startS3()
    await using front = await brokenFront(await targetOf(s3), fault, secretOf(seed))
    const { failures } = await fuzz(front.target, { ...options, requests: 300, roundRequests: 300, answerMs: 8_000 })
    t.match(
      failures
        .map(({ problem }) => problem.replace(/^after cases \d+ to \d+: /, ''))
        .find((problem) => expected.test(problem)),
      expected,
    )
  })
}

t.test('memory that grows is found out, memory that breathes is not', async (t) => {
  const samples = (of: (n: number) => number) => Array.from({ length: 30 }, (_, n) => of(n))
  t.ok(growthOf(samples((n) => 150 + 5 * n)) >= 48)
  t.ok(growthOf(samples((n) => 150 + (n < 5 ? n * 10 : 50) + (n % 3) * 20)) <= 20)
})
