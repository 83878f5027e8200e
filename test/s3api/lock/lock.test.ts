import t from 'tap'
import type { Bucket, BucketLock, ObjectLock, ObjectVersion } from '../../../src/base/model.ts'
import {
  lockConfiguration,
  parseLockConfiguration,
  writeLockConfiguration,
} from '../../../src/s3api/lock/lock-configuration.ts'
import { lockGiven, lockHeaders } from '../../../src/s3api/lock/lock-headers.ts'
import { newLock } from '../../../src/s3api/lock/new-lock.ts'
import { parseRetention, retention } from '../../../src/s3api/lock/retention.ts'
import type { RequestHead } from '../../../src/s3api/request-head.ts'
import { readXml } from '../../../src/s3api/xml/read-xml.ts'
import { HandClock } from '../../support/moved-clock.ts'
import { refused } from '../refused.ts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const clock = Object.assign(new HandClock(), { nowMs: () => NOW })
const configuration = (rule: string, enabled = 'Enabled') => {
  const document = `<C><ObjectLockEnabled>${enabled}</ObjectLockEnabled>${rule}</C>`
  return parseLockConfiguration(readXml('C', lockConfiguration, Buffer.from(document)))
}
const byDefault = (inner: string) => `<Rule><DefaultRetention>${inner}</DefaultRetention></Rule>`

t.test('lock configuration: read, and written as it was', async (t) => {
  const kept: [string, BucketLock][] = [
    ['', {}],
    [byDefault('<Mode>GOVERNANCE</Mode><Days>1</Days>'), { retention: { mode: 'GOVERNANCE', days: 1 } }],
    [byDefault('<Mode>COMPLIANCE</Mode><Years>100</Years>'), { retention: { mode: 'COMPLIANCE', years: 100 } }],
  ]
  for (const [rule, lock] of kept) {
    t.same(configuration(rule), lock)
    t.same(parseLockConfiguration(writeLockConfiguration(lock)), lock)
  }
})

t.test('lock configuration: against the rules: refused', async (t) => {
  const mode = '<Mode>GOVERNANCE</Mode>'
  const malformed = [
    byDefault(`${mode}<Days>1</Days><Years>1</Years>`),
    byDefault(mode),
    byDefault('<Mode>governance</Mode><Days>1</Days>'),
    byDefault('<Days>1</Days>'),
    '<Rule></Rule>',
  ]
  for (const rule of malformed) refused(t, () => configuration(rule), 'MalformedXML', /./)
  refused(t, () => configuration('', 'Disabled'), 'MalformedXML', /./)
  for (const period of ['<Days>0</Days>', '<Days>-1</Days>', '<Years>0</Years>']) {
    refused(t, () => configuration(byDefault(mode + period)), 'InvalidArgument', /positive integer value\.$/)
  }
  for (const period of ['<Days>36501</Days>', '<Years>101</Years>']) {
    refused(t, () => configuration(byDefault(mode + period)), 'InvalidArgument', /too large\.$/)
  }
  refused(t, () => configuration(byDefault(`${mode}<DefaultEventHold/>`)), 'NotImplemented', /event hold/)
})

const given = (headers: Record<string, string>) =>
  lockGiven.read({
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [`x-amz-object-lock-${name}`, value])),
  } as unknown as RequestHead)

t.test('lock headers: read, and told again', async (t) => {
  t.equal(given({}), undefined)
  const lock = given({ mode: 'COMPLIANCE', 'retain-until-date': '2027-01-01T00:00:00Z', 'legal-hold': 'OFF' })
  t.same(lock, { mode: 'COMPLIANCE', retainUntil: '2027-01-01T00:00:00.000Z', legalHold: false })
  const told = (lock: ObjectLock) => lockHeaders({ extras: { lock }, committedAt: new Date(NOW) } as ObjectVersion)
  t.same(told(lock!), {
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': '2027-01-01T00:00:00.000Z',
    'x-amz-object-lock-legal-hold': 'OFF',
  })
  t.match(told({ mode: 'GOVERNANCE', retainDays: 2 }), {
    'x-amz-object-lock-retain-until-date': '2026-11-28T12:00:00.000Z',
  })
})

t.test('lock headers: against the rules: refused', async (t) => {
  const until = { 'retain-until-date': '2027-01-01T00:00:00Z' }
  refused(t, () => given({ mode: 'GOVERNANCE' }), 'InvalidArgument', /must both be supplied$/)
  refused(t, () => given(until), 'InvalidArgument', /must both be supplied$/)
  refused(t, () => given({ ...until, mode: 'FOR EVER' }), 'InvalidArgument', /^Unknown wormMode directive/)
  const wrong = { mode: 'GOVERNANCE', 'retain-until-date': 'abc' }
  refused(t, () => given(wrong), 'InvalidArgument', /ISO 8601/)
  refused(t, () => given({ 'legal-hold': 'on' }), 'InvalidArgument', /Legal Hold/)
})

t.test('a new version: held as was said, else by its bucket’s default', async (t) => {
  const lock = (objectLock: BucketLock | undefined, said?: ObjectLock) =>
    newLock({ bucket: { settings: objectLock ? { objectLock } : {} } as Bucket, clock }, said)
  const years: BucketLock = { retention: { mode: 'GOVERNANCE', years: 2 } }
  const own: ObjectLock = { mode: 'COMPLIANCE', retainUntil: '2027-01-01T00:00:00.000Z' }
  t.equal(lock(undefined), undefined)
  t.equal(lock({}), undefined)
  t.same(lock(years), { mode: 'GOVERNANCE', retainDays: 730 })
  t.same(lock(years, own), own)
  t.same(lock(years, { legalHold: true }), { mode: 'GOVERNANCE', retainDays: 730, legalHold: true })
  refused(t, () => lock(undefined, own), 'InvalidRequest', /missing ObjectLockConfiguration/)
  const past: ObjectLock = { ...own, retainUntil: '2026-11-26T12:00:00.000Z' }
  refused(t, () => lock({}, past), 'InvalidArgument', /must be in the future/)
})

t.test('retention: both or neither', async (t) => {
  const read = (inner: string) => parseRetention(readXml('R', retention, Buffer.from(`<R>${inner}</R>`)), clock)
  const until = '<RetainUntilDate>2027-01-01T00:00:00Z</RetainUntilDate>'
  t.same(read(`<Mode>GOVERNANCE</Mode>${until}`), { mode: 'GOVERNANCE', until: new Date('2027-01-01T00:00:00Z') })
  t.equal(read(''), undefined)
  refused(t, () => read('<Mode>GOVERNANCE</Mode>'), 'MalformedXML', /./)
  refused(t, () => read(until), 'MalformedXML', /./)
  refused(t, () => read(`<Mode>none</Mode>${until}`), 'MalformedXML', /./)
  const past = '<RetainUntilDate>2026-01-01T00:00:00Z</RetainUntilDate>'
  refused(t, () => read(`<Mode>GOVERNANCE</Mode>${past}`), 'InvalidArgument', /must be in the future/)
  refused(t, () => read('<EventHold>ON</EventHold>'), 'NotImplemented', /event hold/)
})
