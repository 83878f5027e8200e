import { randomBytes } from 'node:crypto'
import t from 'tap'
import { isFault } from '../../../src/base/faults.ts'
import { systemRandom } from '../../../src/base/system.ts'
import {
  type EncryptionWish,
  makeContentKey,
  openContentKey as openContent,
  sealContentKey,
  sharesKey,
} from '../../../src/engine/encryption/data-keys.ts'
import {
  createKeyRing,
  GENERATION_MS_MAX,
  type KeyRing,
  type NamedKey,
} from '../../../src/engine/encryption/key-ring.ts'

const forever = new AbortController().signal
const sealingKey = randomBytes(32)
const photos = randomBytes(32)
const customerKey = randomBytes(32)
const clock = { ms: 0, nowMs: () => clock.ms }
const store = { generation: 1 }

function ring(kmsKeys: readonly NamedKey[] = [{ name: 'photos', key: photos }], key = sealingKey): KeyRing {
  const generations = { currentGeneration: async () => store.generation }
  return createKeyRing({ sealingKey: key, kmsKeys, generations, clock })
}

const kms = (keyId?: string, context?: string): EncryptionWish => ({
  kind: 'aws:kms',
  keyId,
  context,
  isBucketKey: false,
})
const wishes: EncryptionWish[] = [{ kind: 'AES256' }, kms(), kms('photos', 'e30='), { kind: 'customer', customerKey }]

const openContentKey = (...args: Parameters<typeof openContent>) => openContent(...args)!
const make = (keys: KeyRing, wish: EncryptionWish) => makeContentKey({ keys, random: systemRandom }, wish, forever)
const customerKeyOf = (wish: EncryptionWish) => (wish.kind === 'customer' ? wish.customerKey : undefined)

for (const wish of wishes) {
  t.test(`${wish.kind}: what was sealed is opened by another gateway, as JSON gives it back`, async (t) => {
    const { dataKey, encryption } = await make(ring(), wish)
    const kept = JSON.parse(JSON.stringify(encryption))
    t.ok(openContentKey(ring(), kept, customerKeyOf(wish)).dataKey.equals(dataKey))
    t.notOk(JSON.stringify(kept).includes(dataKey.toString('base64')), 'the data key is not in the clear')
    const again = await make(ring(), wish)
    t.notOk(again.dataKey.equals(dataKey), 'each has a data key of its own')
  })

  t.test(`${wish.kind}: what was tampered with does not open`, async (t) => {
    const { encryption } = await make(ring(), wish)
    const bytes = Buffer.from(encryption.sealedKey, 'base64')
    bytes[20]! ^= 1
    const bent = { ...encryption, sealedKey: bytes.toString('base64') }
    t.throws(() => openContentKey(ring(), bent, customerKeyOf(wish)))
  })
}

t.test('a seal of one kind, key or context does not open as another', async (t) => {
  const { encryption } = await make(ring(), kms('photos', 'e30='))
  t.throws(() => openContentKey(ring(), { ...encryption, context: 'e31=' }, undefined))
  t.throws(() => openContentKey(ring(), { ...encryption, keyId: 'aws/s3' }, undefined))
})

t.test('a customer key that is wrong, missing or not wanted', async (t) => {
  const { encryption } = await make(ring(), { kind: 'customer', customerKey })
  const code = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      return isFault(error, 'AccessDenied')
        ? 'AccessDenied'
        : isFault(error, 'InvalidRequest')
          ? 'InvalidRequest'
          : error
    }
    return undefined
  }
  t.equal(
    code(() => openContentKey(ring(), encryption, randomBytes(32))),
    'AccessDenied',
  )
  t.equal(
    code(() => openContentKey(ring(), encryption, undefined)),
    'InvalidRequest',
  )
  const plain = (await make(ring(), { kind: 'AES256' })).encryption
  t.equal(
    code(() => openContentKey(ring(), plain, customerKey)),
    'InvalidRequest',
  )
})

t.test('named keys: as ARN, as alias, by name; another is not found', async (t) => {
  const arn = 'arn:aws:kms:us-east-1:111122223333'
  for (const name of ['photos', `${arn}:key/photos`, `${arn}:alias/photos`, 'alias/photos']) {
    const { encryption } = await make(ring(), kms(name))
    t.equal(encryption.keyId, 'photos', name)
  }
  t.equal((await make(ring(), kms('alias/aws/s3'))).encryption.keyId, 'aws/s3')
  for (const name of ['nobody', 'sse-s3', ''])
    await t.rejects(make(ring(), kms(name)), { code: 'KMS.NotFoundException' }, `«${name}»`)
})

t.test('a named key that is replaced seals no more, and opens what it sealed until it is gone', async (t) => {
  const { dataKey, encryption } = await make(ring(), kms('photos'))
  const newer = [
    { name: 'photos', key: randomBytes(32) },
    { name: 'photos', key: photos },
  ]
  t.ok(openContentKey(ring(newer), encryption, undefined).dataKey.equals(dataKey))
  t.not((await make(ring(newer), kms('photos'))).encryption.sealedBy, encryption.sealedBy)
  t.throws(() => openContentKey(ring(newer.slice(0, 1)), encryption, undefined), { code: 'KMS.NotFoundException' })
})

t.test(
  'another generation: new seals are under it within seconds, older ones open, and may be sealed again',
  async (t) => {
    const keys = ring()
    const before = await make(keys, { kind: 'AES256' })
    store.generation = 2
    clock.ms += GENERATION_MS_MAX
    const after = await make(keys, { kind: 'AES256' })
    t.not(after.encryption.sealedBy, before.encryption.sealedBy)
    const opened = openContentKey(ring(), before.encryption, undefined)
    t.ok(opened.dataKey.equals(before.dataKey))
    const again = await sealContentKey({ keys, random: systemRandom }, opened.dataKey, { kind: 'AES256' }, forever)
    t.equal(again.encryption.sealedBy, after.encryption.sealedBy)
    t.ok(openContentKey(ring(), again.encryption, undefined).dataKey.equals(before.dataKey))
  },
)

t.test("another store's sealing key opens nothing", async (t) => {
  for (const wish of [kms(), { kind: 'AES256' } as const]) {
    const { encryption } = await make(ring(), wish)
    t.throws(() => openContentKey(ring([], randomBytes(32)), encryption, undefined))
  }
})

t.test('a copy goes on with its data key only under the same key of the same kind', async (t) => {
  const another = Buffer.from(customerKey)
  another[0]! ^= 1
  const kinds: (EncryptionWish | undefined)[] = [undefined, ...wishes, { kind: 'customer', customerKey: another }]
  for (const [i, from] of kinds.entries()) {
    const encryption = from && (await make(ring(), from)).encryption
    const source = { encryption, customerKey: from && customerKeyOf(from) }
    for (const [j, to] of kinds.entries()) {
      t.equal(sharesKey(source, to, ring()), i === j, `${from?.kind} ${i} to ${to?.kind} ${j}`)
    }
  }
})
