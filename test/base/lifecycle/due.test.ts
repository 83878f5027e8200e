import fc from 'fast-check'
import t from 'tap'
import { expiry, markerExpiry, midnightAfter, noncurrentExpiry, uploadAbort } from '../../../src/base/lifecycle/due.ts'
import type { LifecycleRule } from '../../../src/base/lifecycle/rules.ts'

const dayMs = 86_400_000
const at = (text: string) => Date.parse(text)
const rule = (id: string, rest: Partial<LifecycleRule>): LifecycleRule => ({
  id,
  isEnabled: true,
  form: 'filter',
  filter: {},
  ...rest,
})
const object = { key: 'logs/a', tags: [['class', 'old'] as const], sizeBytes: 100 }
const createdMs = at('2026-11-26T10:30:00Z')

t.test('days: rounded up to midnight, a midnight being its own', async (t) => {
  t.equal(midnightAfter(at('2026-01-15T10:30:00Z'), 3, dayMs), at('2026-01-19T00:00:00Z'))
  t.equal(midnightAfter(at('2026-01-15T00:00:00Z'), 3, dayMs), at('2026-01-18T00:00:00Z'))
  fc.assert(
    fc.property(fc.nat(4e12), fc.nat(10_000), fc.constantFrom(1000, 10_000, dayMs), (ms, days, day) => {
      const due = midnightAfter(ms, days, day)
      return due % day === 0 && due >= ms + days * day && due < ms + (days + 1) * day
    }),
  )
})

t.test('expiry: the soonest of all rules that are on and apply', async (t) => {
  const rules = [
    rule('off', { isEnabled: false, expiration: { days: 1 } }),
    rule('elsewhere', { filter: { prefix: 'tmp/' }, expiration: { days: 1 } }),
    rule('late', { expiration: { days: 30 } }),
    rule('soon', { filter: { prefix: 'logs/' }, expiration: { days: 5 } }),
    rule('as-soon', { expiration: { days: 5 } }),
    rule('markers', { expiration: { deleteMarker: true } }),
  ]
  const due = expiry(rules, object, { createdMs, dayMs })
  t.match(due, { atMs: at('2026-12-02T00:00:00Z'), rule: { id: 'soon' } })
  const dated = [...rules, rule('date', { expiration: { date: '2026-12-01T00:00:00.000Z' } })]
  t.match(expiry(dated, object, { createdMs, dayMs }), { atMs: at('2026-12-01T00:00:00Z'), rule: { id: 'date' } })
  t.equal(expiry([rules[0]!, rules[1]!], object, { createdMs, dayMs }), undefined)
})

t.test('filters: prefix, every tag, sizes without their bounds', async (t) => {
  const applies = (filter: LifecycleRule['filter']) =>
    expiry([rule('r', { filter, expiration: { days: 1 } })], object, { createdMs, dayMs }) !== undefined
  t.ok(applies({ prefix: 'logs/', tags: [['class', 'old']], sizeAbove: 99, sizeBelow: 101 }))
  t.notOk(applies({ prefix: 'Logs/' }))
  t.notOk(applies({ tags: [['class', 'new']] }))
  t.notOk(
    applies({
      tags: [
        ['class', 'old'],
        ['other', ''],
      ],
    }),
  )
  t.notOk(applies({ sizeAbove: 100 }))
  t.notOk(applies({ sizeBelow: 100 }))
})

t.test('noncurrent versions: days since they were replaced, the newest kept', async (t) => {
  const rules = [rule('keeps', { noncurrent: { days: 2, keep: 2 } }), rule('all', { noncurrent: { days: 10 } })]
  const due = (newer: number) => noncurrentExpiry(rules, object, { sinceMs: createdMs, newer, dayMs })
  t.match(due(2), { atMs: at('2026-11-29T00:00:00Z'), rule: { id: 'keeps' } })
  t.match(due(1), { atMs: at('2026-12-07T00:00:00Z'), rule: { id: 'all' } })
  t.equal(noncurrentExpiry([rules[0]!], object, { sinceMs: createdMs, newer: 1, dayMs }), undefined)
})

t.test('lone delete markers: at once by their own rule, by days when as old; never by date', async (t) => {
  const marker = (expiration: LifecycleRule['expiration'] & object) =>
    markerExpiry([rule('m', { expiration })], 'k', { createdMs, dayMs })?.atMs
  t.equal(marker({ deleteMarker: true }), at('2026-11-27T00:00:00Z'))
  t.equal(marker({ deleteMarker: false }), undefined)
  t.equal(marker({ days: 3 }), at('2026-11-30T00:00:00Z'))
  t.equal(marker({ date: '2020-01-01T00:00:00.000Z' }), undefined)
})

t.test('uploads: by prefix', async (t) => {
  const rules = [rule('u', { filter: { prefix: 'big/' }, abortDays: 7 })]
  t.match(uploadAbort(rules, 'big/one', { initiatedMs: createdMs, dayMs }), { atMs: at('2026-12-04T00:00:00Z') })
  t.equal(uploadAbort(rules, 'small', { initiatedMs: createdMs, dayMs }), undefined)
})
