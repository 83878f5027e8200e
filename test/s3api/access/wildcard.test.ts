// biome-ignore-all lint/suspicious/noTemplateCurlyInString: so are the variables of policies written
import * as fc from 'fast-check'
import t from 'tap'
import { compilePattern, resolvePattern } from '../../../src/s3api/access/policy/pattern.ts'
import { matchesWildcards, withWildcards } from '../../../src/s3api/access/policy/wildcard.ts'

const pieces = fc.array(fc.constantFrom('a', 'b', '*', '?', '/', '.', '😀', 'ab'), { maxLength: 12 })
const texts = fc.array(fc.constantFrom('a', 'b', '/', '.', '😀', '\n'), { maxLength: 16 }).map((all) => all.join(''))

/** The same by a regular expression, which is slow and known to be right. */
function expected(pattern: string, text: string): boolean {
  const source = [...pattern].map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[.\\/]/, '\\$&'))).join('')
  return new RegExp(`^${source}$`, 'su').test(text)
}

t.test('wildcards: match what a regular expression matches', async () => {
  await fc.assert(
    fc.property(pieces, texts, (all, text) => {
      const pattern = all.join('')
      return matchesWildcards(withWildcards(pattern), text) === expected(pattern, text)
    }),
    { numRuns: 5_000 },
  )
})

t.test('wildcards: the longest pattern on the longest key takes a time that nobody notices', async (t) => {
  const text = 'a'.repeat(1024)
  const startedMs = performance.now()
  for (const unit of ['*a', '*aa', 'a*', '*?a', '**']) {
    const pattern = withWildcards(`${unit.repeat(Math.floor(20_000 / unit.length))}b`)
    t.equal(matchesWildcards(pattern, text), false)
  }
  // Exponential would be ages; the product of both lengths is a few dozen ms on any machine.
  t.ok(performance.now() - startedMs < 20_000)
})

t.test('patterns: what a variable stands for is no pattern, and without a value nothing matches', async (t) => {
  const rules = { hasWildcards: true, hasVariables: true }
  const context = (key: string) => ({ 'aws:username': ['a*?'], 's3:prefix': ['x', 'y'] })[key]
  const matches = (pattern: string, text: string, rule = rules) => {
    const resolved = resolvePattern(compilePattern(pattern, rule), context)
    return resolved !== undefined && matchesWildcards(resolved, text)
  }
  t.ok(matches('home/${aws:username}/*', 'home/a*?/x'))
  t.notOk(matches('home/${aws:username}/*', 'home/abc/x'))
  t.ok(matches('home/${aws:UserName}', 'home/a*?'))
  t.notOk(matches('${s3:prefix}', 'x'), 'several values')
  t.ok(matches("${s3:delimiter, 'none'}", 'none'))
  t.notOk(matches('${s3:delimiter}', ''))
  t.ok(matches('${*}${?}${$}*', '*?$ and so on'))
  t.notOk(matches('${*}', 'a'))
  t.ok(matches('${aws:username}', '${aws:username}', { ...rules, hasVariables: false }))
  const none = { code: 'MalformedPolicy' }
  for (const wrong of ['${aws:nobody}', '${}', '${aws:UserAgent}', '${aws:Referer}']) {
    t.throws(() => compilePattern(wrong, rules), none, wrong)
  }
})
