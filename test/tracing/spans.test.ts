import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { systemClock } from '../../src/base/system.ts'
import { makeTracing } from '../../src/tracing/tracing.ts'
import { registerInMemory } from '../support/traces.ts'

const traces = registerInMemory()
const tracing = makeTracing({ namesKeys: false, version: 'of a test', clock: systemClock })
const record = { operation: 'GetObject', method: 'GET', status: 200, code: undefined, durationMs: 1, firstByteMs: 1 }
const start = { method: 'GET', headers: {}, isTls: true }
const subject = { requestId: 'A1', bucket: 'photos', key: 'a key' }
const statement = { statement: 'a_statement_v1', pool: 'general', durationMs: 1, isFailed: false }
const names = () => traces.spans().map(({ name }) => name)

t.beforeEach(() => traces.reset())

t.test('a request has so many spans; those beyond are counted, and nodes hear of no trace for them', async (t) => {
  await tracing.requests.run(start, async (span) => {
    t.match(tracing.current(), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    for (let n = 0; n < 1_100; n++) tracing.statement(statement)
    t.equal(tracing.current(), undefined)
    span.end({ ...record, bytesIn: 0, bytesOut: 0 }, subject)
  })
  t.equal(traces.spans().length, 1_001)
  t.equal(traces.spans().at(-1)?.attributes['sextant.spans_left_out'], 100)
})

t.test('what a request began, and goes on behind its answer, is told of in no trace', async (t) => {
  let behind: Promise<void> | undefined
  await tracing.requests.run(start, async (span) => {
    behind = sleep(20).then(() => tracing.statement(statement))
    span.end({ ...record, bytesIn: 0, bytesOut: 0 }, subject)
  })
  await behind
  t.same(names(), ['S3 GetObject'])
})

t.test('a statement takes its time before it is told of, and says when it failed', async (t) => {
  await tracing.requests.run(start, async () => {
    tracing.statement({ ...statement, durationMs: 40, isFailed: true })
  })
  const [span] = traces.spans()
  t.ok(Math.abs(span!.duration[1] / 1e6 - 40) < 1)
  t.same(span!.status, { code: 2 })
})

t.test('what is no traceparent is passed over on a node', async (t) => {
  const wrong = ['', '01', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01, b`]
  for (const traceparent of wrong) tracing.calls.within(traceparent, () => tracing.statement(statement))
  tracing.calls.within(`00-${'a'.repeat(32)}-${'1'.repeat(16)}-00`, () => tracing.statement(statement))
  t.same(names(), [])
  tracing.calls.within(`00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`, () => tracing.statement(statement))
  t.same(names(), ['a_statement_v1'])
})
