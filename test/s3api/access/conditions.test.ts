import * as fc from 'fast-check'
import t from 'tap'
import { operators } from '../../../src/s3api/access/policy/condition-operators.ts'
import { parseConditions } from '../../../src/s3api/access/policy/conditions.ts'

const KEY = 's3:prefix'

function holds(operator: string, wanted: unknown, said: readonly string[] | undefined, key = KEY): boolean {
  const conditions = parseConditions({ [operator]: { [key]: wanted } }, { hasVariables: true })
  return conditions.every((one) => one.holds((asked) => (asked === conditions[0]!.key ? said : undefined)))
}

t.test('conditions: each operator, with a value that it is for and one that it is not', async (t) => {
  const table: [operator: string, wanted: unknown, yes: string[], no: string[]][] = [
    ['StringEquals', ['a', 'b'], ['a', 'b'], ['A', 'ab', '']],
    ['StringNotEquals', ['a', 'b'], ['A', 'c'], ['a', 'b']],
    ['StringEqualsIgnoreCase', 'aB', ['AB', 'ab'], ['a']],
    ['StringNotEqualsIgnoreCase', 'aB', ['a'], ['AB']],
    ['StringLike', 'home/*/?', ['home/x/y/z', 'home//a'], ['home/x', 'Home/x/y']],
    ['StringNotLike', 'home/*', ['other'], ['home/x']],
    ['NumericEquals', '10', ['10', '10.0'], ['1', 'ten', '']],
    ['NumericNotEquals', '10', ['1', 'ten'], ['10']],
    ['NumericLessThan', 10, ['9', '-1'], ['10', '11', 'nine']],
    ['NumericLessThanEquals', '10', ['10'], ['11']],
    ['NumericGreaterThan', '10', ['11'], ['10', '9']],
    ['NumericGreaterThanEquals', '10', ['10'], ['9', 'x']],
    ['DateEquals', '2026-01-01T00:00:00Z', ['2026-01-01T00:00:00.000Z', '1767225600'], ['2026-01-02']],
    ['DateNotEquals', '2026-01-01', ['2026-01-02'], ['2026-01-01T00:00:00Z']],
    ['DateLessThan', '2026-01-01T01:00:00+01:00', ['2025-12-31T23:59:59Z'], ['2026-01-01T00:00:00Z', 'soon']],
    ['DateLessThanEquals', '1767225600', ['2026-01-01'], ['2026-01-02']],
    ['DateGreaterThan', '2026-01-01', ['2026-01-02'], ['2026-01-01']],
    ['DateGreaterThanEquals', '2026-01-01', ['2026-01-01'], ['2025-12-31']],
    ['Bool', true, ['true', 'TRUE'], ['false', '']],
    ['BinaryEquals', 'aGk=', ['aGk='], ['aGo=']],
    [
      'IpAddress',
      ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'],
      ['10.9.8.7', '2001:db8::1', '192.0.2.1'],
      ['11.0.0.1', '::1', 'x'],
    ],
    ['NotIpAddress', '10.0.0.0/8', ['11.0.0.1', '::1'], ['10.0.0.1']],
    [
      'ArnEquals',
      'arn:aws:iam::*:user/a?',
      ['arn:aws:iam::1:user/ab'],
      ['arn:aws:iam::1:2:user/ab', 'arn:aws:iam::1:user/a'],
    ],
    ['ArnLike', 'arn:aws:iam::1:*', ['arn:aws:iam::1:root', 'arn:aws:iam::1:x:y'], ['arn:aws:iam::2:root', 'arn']],
    ['ArnNotEquals', 'arn:aws:iam::1:root', ['arn:aws:iam::2:root'], ['arn:aws:iam::1:root']],
    ['ArnNotLike', 'arn:aws:iam::1:*', ['arn:aws:iam::2:root'], ['arn:aws:iam::1:root']],
  ]
  t.same(table.map(([operator]) => operator).sort(), [...operators.keys()].sort(), 'all there are')
  for (const [operator, wanted, yes, no] of table) {
    for (const said of yes) t.ok(holds(operator, wanted, [said]), `${operator} ${wanted}: ${said}`)
    for (const said of no) t.notOk(holds(operator, wanted, [said]), `${operator} ${wanted}: ${said}`)
  }
})

t.test('conditions: a key that is not there', async (t) => {
  const table: [operator: string, holdsWithout: boolean][] = [
    ['StringEquals', false],
    ['StringLike', false],
    ['StringNotEquals', true],
    ['StringNotLike', true],
    ['StringEqualsIfExists', true],
    ['StringNotEqualsIfExists', true],
    ['ForAllValues:StringEquals', true],
    ['ForAnyValue:StringEquals', false],
    ['ForAnyValue:StringNotEquals', false],
    ['ForAnyValue:StringEqualsIfExists', true],
  ]
  for (const [operator, expected] of table) {
    t.equal(holds(operator, 'x', undefined), expected, operator)
    t.equal(holds(operator, 'x', []), expected, `${operator}, no values`)
  }
  t.ok(holds('Null', 'true', undefined))
  t.notOk(holds('Null', 'true', ['']))
  t.ok(holds('Null', false, ['']))
  t.notOk(holds('Null', 'false', undefined))
})

t.test('conditions: several values, under each quantifier', async (t) => {
  const key = 's3:RequestObjectTagKeys'
  const table: [operator: string, said: string[], expected: boolean][] = [
    ['ForAllValues:StringEquals', ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a', 'c'], false],
    ['ForAnyValue:StringEquals', ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['c', 'd'], false],
    ['ForAllValues:StringNotEquals', ['c', 'd'], true],
    ['ForAllValues:StringNotEquals', ['c', 'a'], false],
    ['ForAnyValue:StringNotEquals', ['c', 'a'], true],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], false],
  ]
  for (const [operator, said, expected] of table) t.equal(holds(operator, ['a', 'b'], said, key), expected, operator)
})

t.test('conditions: an operator and its negation are never of one mind', async () => {
  const values = fc.array(fc.constantFrom('a', 'B', 'a*', '10', '10.0.0.1', 'x/y'), { minLength: 1, maxLength: 3 })
  for (const positive of ['StringEquals', 'StringLike', 'StringEqualsIgnoreCase', 'ArnLike']) {
    const negative = positive.replace(/^(String|Arn)/, '$1Not')
    await fc.assert(
      fc.property(values, fc.option(values, { nil: undefined }), (wanted, said) => {
        return holds(positive, wanted, said) !== holds(negative, wanted, said)
      }),
    )
  }
})

t.test('conditions: all of a block have to hold', async (t) => {
  const block = { StringLike: { 's3:prefix': 'a*', 's3:delimiter': '/' }, Bool: { 'aws:SecureTransport': 'true' } }
  const conditions = parseConditions(block, { hasVariables: false })
  t.equal(conditions.length, 3)
  t.same(
    conditions.map(({ key }) => key),
    ['s3:prefix', 's3:delimiter', 'aws:securetransport'],
  )
})
