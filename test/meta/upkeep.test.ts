import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { ObjectKey } from '../../src/base/ids.ts'
import { brokenReferences, commit, layout, live, newPartId, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, sql } = fixture
const { catalogue, upkeep } = meta

t.test('exclusively: one at a time across gateways; the lock goes with its connection', async (t) => {
  const other = await fixture.connect()
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const { promise: began, resolve: begin } = Promise.withResolvers<void>()
  const first = upkeep.exclusively(
    'sweep',
    async () => {
      begin()
      await finished
    },
    live,
  )
  await began
  t.equal(await other.upkeep.exclusively('sweep', async () => void t.fail('two at once'), live), false)
  t.equal(await other.upkeep.exclusively('scrub', async () => {}, live), true, 'another job')
  finish()
  t.equal(await first, true)
  t.equal(await other.upkeep.exclusively('sweep', async () => {}, live), true)
  await t.rejects(
    upkeep.exclusively('sweep', () => Promise.reject(new Error('failed')), live),
    { message: 'failed' },
  )

  const lost = upkeep.exclusively(
    'sweep',
    async (signal) => {
      await sql(
        `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objsubid = 2 and classid = 5`,
      )
      while (!signal.aborted) await sleep(10)
      signal.throwIfAborted()
    },
    live,
  )
  await t.rejects(lost, { message: /connection that guards the job sweep was lost/ })
  t.equal(await other.upkeep.exclusively('sweep', async () => {}, live), true)
})

t.test('doomed parts: after their grace, page by page, and forgotten only while nothing refers to them', async (t) => {
  const old = await Promise.all(
    Array.from({ length: 5 }, async (_, n) => {
      const wanted = commit(bucket, `d/${n}`)
      await catalogue.commitObject(wanted, live)
      return wanted.part!
    }),
  )
  const keys = old.map((_, n) => `d/${n}` as ObjectKey)
  await catalogue.deleteObjects(
    bucket.id,
    keys.map((key) => ({ key })),
    live,
  )
  t.same(await upkeep.findDoomedParts({ graceMs: 60_000, after: '', rowsMax: 10 }, live), [])
  const sorted = [...old].sort((a, b) => (a.partId < b.partId ? -1 : 1))
  const first = await upkeep.findDoomedParts({ graceMs: 0, after: '', rowsMax: 3 }, live)
  const rest = await upkeep.findDoomedParts({ graceMs: 0, after: first.at(-1)!.partId, rowsMax: 3 }, live)
  t.same(
    [...first, ...rest].map(({ doomedAt, ...part }) => part),
    sorted,
  )
  const referenced = commit(bucket, 'd/alive')
  await catalogue.commitObject(referenced, live)
  await upkeep.forgetDoomedParts([...sorted.map((p) => p.partId), referenced.part!.partId], live)
  t.same(await upkeep.findDoomedParts({ graceMs: 0, after: '', rowsMax: 10 }, live), [])
  t.same(await catalogue.findParts([sorted[0]!.partId, referenced.part!.partId], live), [undefined, referenced.part])
  t.same(await sql(brokenReferences), [])
})

t.test('findUnknownParts: knows what is committed, doomed and given up', async (t) => {
  const committed = commit(bucket, 'known')
  await catalogue.commitObject(committed, live)
  const givenUp = layout()
  await catalogue.doomUncommitted([givenUp], live)
  const unknown = newPartId()
  t.same(await upkeep.findUnknownParts([committed.part!.partId, unknown, givenUp.partId], live), [unknown])
})

/** Not by waiting, which would make the tests ones of speed. */
async function expire(session: number): Promise<void> {
  await sql('update upload_sessions set expires_at = clock_timestamp() where gateway_session = $1', [session])
}

t.test('gateway sessions: touched, expired, refused, forgotten', async (t) => {
  const short = await meta.openGatewaySession({ ttlMs: 30_000 }, live)
  const long = await meta.openGatewaySession({ ttlMs: 60_000 }, live)
  t.ok(short.session >= 1 && long.session > short.session)
  const put = (session: number) =>
    catalogue.commitObject(commit(bucket, `s/${session}`, { part: layout({ partId: newPartId(session) }) }), live)
  await put(short.session)
  t.equal(await short.touch(live), true)
  t.same(await upkeep.findExpiredSessions(live), [])
  await expire(short.session)
  t.equal(await short.touch(live), false, 'what is over stays over')
  await t.rejects(put(short.session), { code: 'ServiceUnavailable' })
  t.same(await upkeep.findExpiredSessions(live), [short.session])
  t.same(await upkeep.findExpiredSessions(live), [short.session], 'until it is forgotten')
  await upkeep.forgetSession(short.session, live)
  await upkeep.forgetSession(long.session, live)
  await put(long.session)
  await long.close(live)
  t.same(await upkeep.findExpiredSessions(live), [long.session], 'a live one is not forgotten; a closed one is found')
  await t.rejects(put(short.session), { code: 'ServiceUnavailable' }, 'nor after it was forgotten')
  await upkeep.forgetSession(long.session, live)
  await short.close(live)
  t.same(await upkeep.findExpiredSessions(live), [short.session], 'a late gateway has it swept once more')
})

t.test('findExpiredSessions: waits for a commit that is under way under the session', async (t) => {
  const session = await meta.openGatewaySession({ ttlMs: 30_000 }, live)
  const { Client } = (await import('pg')).default
  const slow = new Client({ connectionString: fixture.db.url })
  await slow.connect()
  try {
    const part = newPartId(session.session)
    await slow.query('begin')
    await slow.query('select lock_sessions_v1($1)', [[part]])
    await expire(session.session)
    let answered = false
    const asked = upkeep.findExpiredSessions(live).then((found) => {
      answered = true
      return found
    })
    await sleep(200)
    t.equal(answered, false)
    await slow.query('commit')
    t.ok((await asked).includes(session.session))
  } finally {
    await slow.end()
  }
})
