import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { isFault } from '../../src/base/faults.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { makeSealer } from '../../src/meta/seal.ts'
import { live, openMeta, sealingKey } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, sql } = fixture
const { accounts, catalogue } = meta
const invalid = { code: 'InvalidArgument' }

t.test('accounts: made, listed, found; names and ids are taken once', async (t) => {
  const id = 'ab'.repeat(32)
  const made = await accounts.createAccount({ name: 'alice', id, displayName: 'Alice', email: 'a@b.c' }, live)
  t.same(made, { id, name: 'alice', displayName: 'Alice', isRoot: false })
  t.same(await catalogue.findAccount(made.id, live), made)
  t.same(await accounts.findAccountByName('alice', live), made)
  t.match(await accounts.listAccounts({ after: '', rowsMax: 1 }, live), [{ name: 'alice', email: 'a@b.c' }])
  await t.rejects(accounts.createAccount({ name: 'alice' }, live), invalid)
  await t.rejects(accounts.createAccount({ name: 'bob', id }, live), invalid)
  for (const bad of [{ name: '' }, { name: 'a\nb' }, { name: 'x', id: 'AB' }]) {
    await t.rejects(accounts.createAccount(bad, live), invalid)
  }
})

t.test('access keys: sealed at rest, opened for the catalogue, refused when damaged or moved', async (t) => {
  const key = await accounts.createAccessKey({ accountName: 'alice', policy: { Statement: [] } }, live)
  t.match(key.accessKeyId, /^SXAK[A-Z2-7]{16}$/)
  t.same(await catalogue.findAccessKey(key.accessKeyId, live), key)
  t.equal(await catalogue.findAccessKey('unknown', live), undefined)
  const [row] = await sql('select * from access_keys where access_key_id = $1', [key.accessKeyId])
  t.notOk(JSON.stringify(row).includes(key.secretAccessKey))
  t.notOk((row!.sealed_secret as Buffer).includes(key.secretAccessKey))
  t.match(await accounts.listAccessKeys({ after: '', rowsMax: 9 }, live), [
    { accessKeyId: key.accessKeyId, accountName: 'alice', status: 'active' },
  ])
  t.same(row!.policy, { Statement: [] })

  const credentials = { accessKeyId: 'given-key', secretAccessKey: 'given+secret/1' }
  await accounts.createAccessKey({ accountName: 'alice', credentials }, live)
  t.equal((await catalogue.findAccessKey('given-key', live))?.secretAccessKey, 'given+secret/1')
  await t.rejects(accounts.createAccessKey({ accountName: 'alice', credentials }, live), invalid)
  await t.rejects(accounts.createAccessKey({ accountName: 'nobody' }, live), invalid)
  const shortSecret = { accessKeyId: 'other', secretAccessKey: 'short' }
  const error = await accounts.createAccessKey({ accountName: 'alice', credentials: shortSecret }, live).catch((e) => e)
  t.ok(isFault(error, 'InvalidArgument') && !String(error).includes('short"'), 'no secret in the error')

  await sql('update access_keys set sealed_secret = $1 where access_key_id = $2', [row!.sealed_secret, 'given-key'])
  const fresh = await fixture.connect()
  await t.rejects(fresh.catalogue.findAccessKey('given-key', live), { message: /sealed under another sealing key/ })
  t.equal(await accounts.deleteAccessKey('given-key', live), true)
  t.equal(await accounts.deleteAccessKey('given-key', live), false)
  t.equal(await fresh.catalogue.findAccessKey('given-key', live), undefined)
})

t.test('seal: opens only what is whole, and only for its key', async (t) => {
  const sealer = makeSealer(sealingKey, systemRandom)
  const sealed = sealer.seal('geheim', 'AK')
  t.equal(sealer.open(sealed, 'AK'), 'geheim')
  t.notSame(sealer.seal('geheim', 'AK'), sealed)
  t.throws(() => sealer.open(sealed, 'AL'))
  t.throws(() => makeSealer(Buffer.alloc(32, 8), systemRandom).open(sealed, 'AK'))
  for (let at = 0; at < sealed.length; at++) {
    const bent = Buffer.from(sealed)
    bent[at]! ^= 1
    t.throws(() => sealer.open(bent, 'AK'))
  }
  t.throws(() => sealer.open(sealed.subarray(0, 28), 'AK'))
  t.throws(() => makeSealer(Buffer.alloc(16), systemRandom))
})

t.test('findAccessKey: known keys are remembered for their time, unknown ones never', async (t) => {
  let nowMs = 1_000
  const clock: Clock = { ...systemClock, nowMs: () => nowMs }
  const options = { url: fixture.db.url, sealingKey, clock, random: systemRandom, log: silentLog }
  await using cached = await connectMeta({ ...options, settings: { keyCacheMs: 5_000 } })
  const find = (id: string) => cached.catalogue.findAccessKey(id, live)
  t.equal(await find('later'), undefined)
  const credentials = { accessKeyId: 'later', secretAccessKey: 'later-secret' }
  await accounts.createAccessKey({ accountName: 'alice', credentials }, live)
  t.ok(await find('later'), 'it works the moment it is made')
  await accounts.deleteAccessKey('later', live)
  nowMs += 4_999
  t.ok(await find('later'))
  nowMs += 1
  t.equal(await find('later'), undefined)
})

t.test('ensureRoot: one root, its settings key replaced when the settings change', async (t) => {
  const first = { accessKeyId: 'root-key-1', secretAccessKey: 'root-secret-1' }
  const [a, b] = await Promise.all([accounts.ensureRoot(first, live), accounts.ensureRoot(first, live)])
  t.ok(a.isRoot)
  t.same(a, b)
  const extra = await accounts.createAccessKey({ accountName: 'root' }, live)
  const fresh = await fixture.connect({ keyCacheMs: 0 })
  const secretOf = async (id: string) => (await fresh.catalogue.findAccessKey(id, live))?.secretAccessKey
  await accounts.ensureRoot({ ...first, secretAccessKey: 'root-secret-2' }, live)
  t.equal(await secretOf('root-key-1'), 'root-secret-2')
  await accounts.ensureRoot({ accessKeyId: 'root-key-2', secretAccessKey: 'root-secret-3' }, live)
  t.equal(await secretOf('root-key-1'), undefined)
  t.equal(await secretOf('root-key-2'), 'root-secret-3')
  t.equal(await secretOf(extra.accessKeyId), extra.secretAccessKey, 'keys made by hand stay')
  const theirs = await accounts.createAccessKey({ accountName: 'alice' }, live)
  const stolen = { accessKeyId: theirs.accessKeyId, secretAccessKey: 'root-secret-4' }
  await t.rejects(accounts.ensureRoot(stolen, live), invalid)
})

t.test('without a sealing key all but secrets works', async (t) => {
  const options = { url: fixture.db.url, clock: systemClock, random: systemRandom, log: silentLog }
  await using meta = await connectMeta(options)
  t.ok(await meta.catalogue.findBucket(fixture.bucket.name, live))
  await t.rejects(meta.accounts.createAccessKey({ accountName: 'alice' }, live), { message: /sealing key/ })
})
