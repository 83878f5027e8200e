import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { isFault } from '../../src/base/faults.ts'
import { silentLog } from '../../src/base/log.ts'
import type { AccessKey } from '../../src/base/model.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { makeAccessKeyFinder } from '../../src/meta/access-keys.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import type { Database } from '../../src/meta/database.ts'
import { trackKeyUses } from '../../src/meta/key-uses.ts'
import { makeSealer } from '../../src/meta/seal.ts'
import { HandClock } from '../support/moved-clock.ts'
import { eventually } from '../support/store.ts'
import { live, openMeta, sealingKey } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, sql } = fixture
const { accounts, accessKeys, catalogue } = meta
const turn = () => new Promise((resolve) => setImmediate(resolve))
const invalid = { code: 'InvalidArgument' }

t.test('accounts: made, listed, found; names and ids are taken once', async (t) => {
  const id = 'ab'.repeat(32)
  const made = await accounts.createAccount({ name: 'alice', id, displayName: 'Alice', email: 'a@b.c' }, live)
  t.same(made, { id, name: 'alice', displayName: 'Alice', isRoot: false })
  t.same(await catalogue.findAccount(made.id, live), made)
  t.same(await accounts.findAccountByName('alice', live), made)
  t.match(await accounts.listAccounts({ after: '', rowsMax: 1 }, live), [{ name: 'alice', email: 'a@b.c' }])
  t.same(await catalogue.findAccountByEmail('a@b.c', live), made)
  t.equal(await catalogue.findAccountByEmail('', live), undefined)
  await t.rejects(accounts.createAccount({ name: 'alice' }, live), invalid)
  await t.rejects(accounts.createAccount({ name: 'bob', id }, live), invalid)
  for (const bad of [{ name: '' }, { name: 'a\nb' }, { name: 'x', id: 'AB' }]) {
    await t.rejects(accounts.createAccount(bad, live), invalid)
  }
})

t.test('access keys: sealed at rest, opened for the catalogue, refused when damaged or moved', async (t) => {
  const key = await accessKeys.create({ accountName: 'alice', policy: '{"Statement": []}' }, live)
  t.match(key.accessKeyId, /^SXAK[A-Z2-7]{16}$/)
  t.same(await catalogue.findAccessKey(key.accessKeyId, live), key)
  t.equal(await catalogue.findAccessKey('unknown', live), undefined)
  const [row] = await sql('select * from access_keys where access_key_id = $1', [key.accessKeyId])
  t.notOk(JSON.stringify(row).includes(key.secretAccessKey))
  t.notOk((row!.sealed_secret as Buffer).includes(key.secretAccessKey))
  t.match(await accessKeys.list({ after: '', rowsMax: 9 }, live), [
    { accessKeyId: key.accessKeyId, accountName: 'alice', status: 'active', policy: key.policy },
  ])
  t.same(row!.policy, { Statement: [] })
  t.match(await accessKeys.find(key.accessKeyId, live), { policy: key.policy })

  const credentials = { accessKeyId: 'given-key', secretAccessKey: 'given+secret/1' }
  await accessKeys.create({ accountName: 'alice', credentials }, live)
  t.equal((await catalogue.findAccessKey('given-key', live))?.secretAccessKey, 'given+secret/1')
  await t.rejects(accessKeys.create({ accountName: 'alice', credentials }, live), invalid)
  await t.rejects(accessKeys.create({ accountName: 'nobody' }, live), invalid)
  const shortSecret = { accessKeyId: 'other', secretAccessKey: 'short' }
  const error = await accessKeys.create({ accountName: 'alice', credentials: shortSecret }, live).catch((e) => e)
  t.ok(isFault(error, 'InvalidArgument') && !String(error).includes('short"'), 'no secret in the error')

  await sql('update access_keys set sealed_secret = $1 where access_key_id = $2', [row!.sealed_secret, 'given-key'])
  const fresh = await fixture.connect()
  await t.rejects(fresh.catalogue.findAccessKey('given-key', live), { message: /sealed under another sealing key/ })
  t.equal(await accessKeys.delete('given-key', live), true)
  t.equal(await accessKeys.delete('given-key', live), false)
  t.equal(await fresh.catalogue.findAccessKey('given-key', live), undefined)
})

t.test(
  'access keys: a policy is changed and taken away, and known to gateways that did not know the key',
  async (t) => {
    const { accessKeyId } = await accessKeys.create({ accountName: 'alice' }, live)
    const found = async () => {
      await using fresh = await fixture.connect()
      return (await fresh.catalogue.findAccessKey(accessKeyId, live))?.policy
    }
    t.equal(await found(), undefined)
    t.equal(await accessKeys.setPolicy({ accessKeyId, policy: '{"Statement": []}' }, live), true)
    t.equal(await found(), '{"Statement": []}')
    t.equal(await accessKeys.setPolicy({ accessKeyId, policy: undefined }, live), true)
    t.equal(await found(), undefined)
    t.equal(await accessKeys.setPolicy({ accessKeyId: 'nobody', policy: undefined }, live), false)
  },
)

t.test('access keys: rotated, disabled, expiring: what the catalogue has is what they are', async (t) => {
  const { accessKeyId, secretAccessKey } = await accessKeys.create({ accountName: 'alice' }, live)
  const found = async () => {
    await using fresh = await fixture.connect()
    return await fresh.catalogue.findAccessKey(accessKeyId, live)
  }
  const rotated = await accessKeys.rotate({ accessKeyId, graceMs: 60_000 }, live)
  const key = await found()
  t.equal(key?.secretAccessKey, rotated?.secretAccessKey)
  t.not(key?.secretAccessKey, secretAccessKey)
  t.equal(key?.former?.key.secretAccessKey, secretAccessKey)
  t.same(key?.former?.until, rotated?.formerUntil)
  t.match(await accessKeys.find(accessKeyId, live), { formerSecretUntil: rotated!.formerUntil, status: 'active' })
  const again = { accessKeyId, secretAccessKey: 'given+secret/2', graceMs: 60_000 }
  await accessKeys.rotate(again, live)
  t.match(await found(), {
    secretAccessKey: 'given+secret/2',
    former: { key: { secretAccessKey: rotated!.secretAccessKey } },
  })
  await t.rejects(accessKeys.rotate({ ...again, secretAccessKey: 'short' }, live), invalid)
  t.equal(await accessKeys.rotate({ ...again, accessKeyId: 'nobody' }, live), undefined)

  t.equal(await accessKeys.setStatus({ accessKeyId, status: 'disabled' }, live), true)
  t.equal(await found(), undefined)
  t.match(await accessKeys.find(accessKeyId, live), { status: 'disabled' })
  t.equal(await accessKeys.setStatus({ accessKeyId, status: 'active' }, live), true)
  const expiresAt = new Date(Date.UTC(2099, 0, 1))
  t.equal(await accessKeys.setExpiry({ accessKeyId, expiresAt }, live), true)
  t.same((await found())?.expiresAt, expiresAt)
  t.equal(await accessKeys.setExpiry({ accessKeyId, expiresAt: undefined }, live), true)
  t.equal((await found())?.expiresAt, undefined)
  for (const status of ['active', 'disabled'] as const)
    t.equal(await accessKeys.setStatus({ accessKeyId: 'nobody', status }, live), false)
})

t.test('access keys: who watches the cluster hears of each change, though it remembers keys for long', async (t) => {
  const { accessKeyId } = await accessKeys.create({ accountName: 'alice' }, live)
  const watching = await fixture.connect({ keyCacheMs: 3_600_000 })
  const find = () => watching.catalogue.findAccessKey(accessKeyId, live)
  t.ok(await find())
  await using _cluster = await watching.watchCluster({ refreshMs: 3_600_000 }, live)
  const changes: Record<string, [change: () => Promise<unknown>, isSeen: (key: AccessKey | undefined) => boolean]> = {
    policy: [
      () => accessKeys.setPolicy({ accessKeyId, policy: '{"Statement": []}' }, live),
      (key) => key?.policy !== undefined,
    ],
    secret: [
      () => accessKeys.rotate({ accessKeyId, secretAccessKey: 'another+secret', graceMs: 0 }, live),
      (key) => key?.secretAccessKey === 'another+secret',
    ],
    expiry: [
      () => accessKeys.setExpiry({ accessKeyId, expiresAt: new Date(Date.UTC(2099, 0, 1)) }, live),
      (key) => key?.expiresAt !== undefined,
    ],
    disabled: [() => accessKeys.setStatus({ accessKeyId, status: 'disabled' }, live), (key) => key === undefined],
    enabled: [() => accessKeys.setStatus({ accessKeyId, status: 'active' }, live), (key) => key !== undefined],
    deleted: [() => accessKeys.delete(accessKeyId, live), (key) => key === undefined],
  }
  for (const [name, [change, isSeen]] of Object.entries(changes)) {
    await change()
    await eventually(`${name} is seen`, 60_000, async () => isSeen(await find()))
  }
})

t.test('findAccessKey: what was asked before a change is not remembered after it', async (t) => {
  const { accessKeyId } = await accessKeys.create({ accountName: 'alice' }, live)
  const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const rows = [[], []].map(() => ({
    account: fixture.owner,
    sealedSecret: makeSealer(sealingKey, systemRandom).seal('x', accessKeyId),
  }))
  let asked = 0
  const database = {
    async run() {
      const n = asked++
      await answers[n]!.promise
      return [{ ...rows[n], policy: `${n}` }]
    },
  } as unknown as Database
  const sealer = () => makeSealer(sealingKey, systemRandom)
  const finder = makeAccessKeyFinder({ database, sealer, clock: systemClock, cacheMs: 60_000 })
  const before = finder.find(accessKeyId, live)
  finder.forget(accessKeyId)
  const after = finder.find(accessKeyId, live)
  answers[1]!.resolve()
  t.equal((await after)?.policy, '1')
  answers[0]!.resolve()
  t.equal((await before)?.policy, '0')
  t.equal((await finder.find(accessKeyId, live))?.policy, '1')
  t.equal(asked, 2)
})

t.test('when a key was used is written behind, many keys at once, and each once in five minutes', async (t) => {
  const clock = new HandClock()
  const writes: { accessKeyId: string; usedAt: Date }[][] = []
  const database = { run: async (_: unknown, uses: (typeof writes)[0]) => writes.push(uses) } as unknown as Database
  const uses = trackKeyUses({ database, clock, log: silentLog })
  const usedAt = new Date(clock.nowMs())
  for (let n = 0; n < 1000; n++) uses.note('one')
  uses.note('two')
  await turn()
  t.same(writes, [], 'not while a request waits')
  const both = [
    { accessKeyId: 'one', usedAt },
    { accessKeyId: 'two', usedAt },
  ]
  clock.advance(10_000)
  await turn()
  t.same(writes, [both])
  clock.advance(200_000)
  uses.note('one')
  clock.advance(10_000)
  await turn()
  t.same(writes, [both], 'too soon')
  clock.advance(80_000)
  uses.note('one')
  await uses[Symbol.asyncDispose]()
  t.same(
    writes.slice(1),
    [[{ accessKeyId: 'one', usedAt: new Date(clock.nowMs()) }]],
    'what waits at the end is written',
  )
})

t.test('when a key was used is listed; a use that is told late does not take it back', async (t) => {
  const { accessKeyId } = await accessKeys.create({ accountName: 'alice' }, live)
  const use = async (clock: Clock) => {
    await using other = await connectMeta({ url: fixture.db.url, clock, random: systemRandom, log: silentLog })
    await using uses = other.trackKeyUses()
    uses.note(accessKeyId)
  }
  const usedAt = async () => (await accessKeys.find(accessKeyId, live))?.lastUsedAt
  t.equal(await usedAt(), undefined)
  await use({ ...systemClock, nowMs: () => 2_000_000 })
  t.same(await usedAt(), new Date(2_000_000))
  await use({ ...systemClock, nowMs: () => 1_000_000 })
  t.same(await usedAt(), new Date(2_000_000))
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
  await accessKeys.create({ accountName: 'alice', credentials }, live)
  t.ok(await find('later'), 'it works the moment it is made')
  await accessKeys.delete('later', live)
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
  const extra = await accessKeys.create({ accountName: 'root' }, live)
  const fresh = await fixture.connect({ keyCacheMs: 0 })
  const secretOf = async (id: string) => (await fresh.catalogue.findAccessKey(id, live))?.secretAccessKey
  await accounts.ensureRoot({ ...first, secretAccessKey: 'root-secret-2' }, live)
  t.equal(await secretOf('root-key-1'), 'root-secret-2')
  await accounts.ensureRoot({ accessKeyId: 'root-key-2', secretAccessKey: 'root-secret-3' }, live)
  t.equal(await secretOf('root-key-1'), undefined)
  t.equal(await secretOf('root-key-2'), 'root-secret-3')
  t.equal(await secretOf(extra.accessKeyId), extra.secretAccessKey, 'keys made by hand stay')
  const theirs = await accessKeys.create({ accountName: 'alice' }, live)
  const stolen = { accessKeyId: theirs.accessKeyId, secretAccessKey: 'root-secret-4' }
  await t.rejects(accounts.ensureRoot(stolen, live), invalid)

  const accessKeyId = 'root-key-2'
  await t.rejects(accessKeys.rotate({ accessKeyId, graceMs: 0 }, live), invalid, 'the next start would undo it')
  await t.rejects(accessKeys.delete(accessKeyId, live), invalid)
  await accessKeys.setStatus({ accessKeyId, status: 'disabled' }, live)
  await accounts.ensureRoot({ accessKeyId, secretAccessKey: 'root-secret-3' }, live)
  t.equal(await secretOf(accessKeyId), undefined, 'one that was disabled stays so')
})

t.test('without a sealing key all but secrets works', async (t) => {
  const options = { url: fixture.db.url, clock: systemClock, random: systemRandom, log: silentLog }
  await using meta = await connectMeta(options)
  t.ok(await meta.catalogue.findBucket(fixture.bucket.name, live))
  await t.rejects(meta.accessKeys.create({ accountName: 'alice' }, live), { message: /sealing key/ })
})
