import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import { openIdentity } from '../../../src/base/tls/identity.ts'
import { tellRefusals } from '../../../src/base/tls/refusals.ts'
import { type HeldCertificate, TestCa } from '../../support/certificates.ts'
import { HandView, NODE, never, smallChunk, startTestNode, testClient } from '../../support/chunk-cluster.ts'
import { until } from '../../support/until.ts'

const ca = await TestCa.make()
t.teardown(() => ca[Symbol.asyncDispose]())
const DAY = 86_400_000

function hearing() {
  const heard: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const hear = (level: string) => (fields: object, message: string) =>
    void heard.push({ level, fields: fields as Record<string, unknown>, message })
  const log: Log = { ...silentLog, info: hear('info'), warn: hear('warn'), error: hear('error') }
  return { heard, log }
}

function serialOf(pem: unknown): string {
  return new X509Certificate(String(pem)).serialNumber
}

async function replace({ files }: HeldCertificate, texts: Partial<HeldCertificate['texts']>): Promise<void> {
  for (const each of ['cert', 'key', 'ca'] as const) if (texts[each]) await writeFile(files[each], texts[each])
}

async function opened(t: Test, { nowMs = systemClock.nowMs, madeAtMs = Date.now() } = {}) {
  const held = await ca.certificate({ madeAtMs })
  const { heard, log } = hearing()
  const clock = { ...systemClock, nowMs }
  const identity = openIdentity({ files: held.files, minVersion: 'TLSv1.3', lookMs: 60_000, clock, log })
  t.teardown(() => identity[Symbol.dispose]())
  heard.length = 0
  return { held, heard, identity }
}

t.test('changed files are taken, and told to who follows', async (t) => {
  const { held, heard, identity } = await opened(t)
  const told: unknown[] = []
  identity.onChange((options) => told.push(options.cert))
  await identity.look()
  t.same(told, [], 'nothing has changed')
  const next = await ca.certificate()
  await replace(held, next.texts)
  await identity.look()
  t.equal(serialOf(identity.options.cert), serialOf(next.texts.cert))
  t.same(told, [next.texts.cert])
  t.match(heard[0], { level: 'info', message: /was changed/ })
})

t.test(
  'files that are half written, missing, or do not go together: the old ones go on, with one warning',
  async (t) => {
    const { held, heard, identity } = await opened(t)
    const before = identity.context
    const next = await ca.certificate()
    const whole = held.texts
    const cases: [Partial<HeldCertificate['texts']>, RegExp][] = [
      [{ cert: next.texts.cert.slice(0, 300) }, /the certificate is no whole PEM file/],
      [{ cert: next.texts.cert }, /the private key is not that of the certificate/],
      [{ cert: whole.cert, key: next.texts.key.slice(0, 90) }, /the private key cannot be read/],
      [{ key: whole.key, ca: `${ca.cert}${ca.cert.slice(0, 200)}` }, /the CA is no whole PEM file/],
    ]
    for (const [texts, reason] of cases) {
      await replace(held, texts)
      heard.length = 0
      await identity.look()
      await identity.look()
      t.equal(identity.context, before)
      const warnings = heard.filter(({ message }) => message.includes('cannot be used'))
      t.match(warnings, [{ level: 'warn', fields: { reason, cert: held.files.cert } }])
      t.equal(warnings.length, 1)
      t.notMatch(JSON.stringify(heard), 'PRIVATE')
    }
    await replace(held, next.texts)
    await identity.look()
    t.not(identity.context, before, 'whole again')
  },
)

t.test('looked at by the interval', async () => {
  const held = await ca.certificate()
  const identity = ca.hold(held, { lookMs: 20 })
  const next = await ca.certificate()
  await replace(held, next.texts)
  await until(() => serialOf(identity.options.cert) === serialOf(next.texts.cert))
})

t.test('an expiry that comes near is told once a day', async (t) => {
  let nowMs = Date.now()
  const { heard, identity } = await opened(t, { nowMs: () => nowMs })
  await identity.look()
  t.same(heard, [], 'told when it was opened')
  nowMs += DAY
  await identity.look()
  await identity.look()
  t.match(heard, [{ level: 'error', message: /has expired/ }])
})

t.test('at the start, what cannot be used is refused, by its name', async (t) => {
  const { files } = await ca.certificate()
  const open = (changes: object) =>
    openIdentity({
      files: { ...files, ...changes },
      minVersion: 'TLSv1.3',
      lookMs: 1e6,
      clock: systemClock,
      log: silentLog,
    })
  t.throws(() => open({ cert: '/nowhere/x.crt' }), /\/nowhere\/x\.crt.*ENOENT/)
  t.throws(() => open({ key: files.cert }), /the private key cannot be read/)
})

t.test('a renewed certificate holds for new connections; those that there are go on', async (t) => {
  const held = await ca.certificate()
  const identity = ca.hold(held)
  const node = await startTestNode({ settings: { credentials: { identity } } })
  t.teardown(() => node[Symbol.asyncDispose]())
  const clientOf = (by: typeof identity) => {
    const view = new HandView()
    view.setNode(node)
    const client = testClient(view, { connectMs: 20_000, callMs: 20_000 }, { identity: by })
    t.teardown(() => client[Symbol.asyncDispose]())
    return () => client.putChunk(NODE, smallChunk(Buffer.from('x')), never)
  }
  const old = clientOf(await ca.identity())
  await old()
  const other = await TestCa.make()
  t.teardown(() => other[Symbol.asyncDispose]())
  await replace(held, (await other.certificate()).texts)
  await identity.look()
  await old()
  await t.rejects(clientOf(await ca.identity())(), 'its CA is believed no more')
  await clientOf(await other.identity())()
})

t.test('refusals in a loop are told of together', (t) => {
  const { heard, log } = hearing()
  let nowMs = 0
  const tell = tellRefusals({ clock: { ...systemClock, nowMs: () => nowMs }, log })
  for (let n = 0; n < 10; n++) tell('no certificate', '192.0.2.1')
  tell('expired', '192.0.2.1')
  nowMs += 10_000
  tell('no certificate', '192.0.2.2')
  t.match(heard, [
    { fields: { reason: 'no certificate' } },
    { fields: { reason: 'expired' } },
    { fields: { reason: 'no certificate', remote: '192.0.2.2', untold: 9 } },
  ])
  t.equal(heard.length, 3)
  t.end()
})
