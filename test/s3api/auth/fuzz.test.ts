import fc from 'fast-check'
import t from 'tap'
import { StoreFault } from '../../../src/base/faults.ts'
import type { SignedRequest } from '../../../src/s3api/auth/request.ts'
import { parseTarget } from '../../../src/s3api/names/target.ts'
import { ask, depsAt, EXAMPLE_TIME, request, sha1Signature, signByAws4 } from './fixtures.ts'

const RUNS = 20_000
const deps = depsAt(EXAMPLE_TIME, { sigV2: 'all' })
const v2 = encodeURIComponent(sha1Signature('GET\n\n\n1369357200\nx-amz-meta-a:1\n/bucket/key?acl'))
const originals: readonly SignedRequest[] = [
  signByAws4({ path: '/bucket/a%20b?prefix=a%2Fb&acl', headers: { 'x-amz-meta-a': '1  2' } }),
  signByAws4({ method: 'PUT', headers: { 'X-Amz-Content-Sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' } }),
  signByAws4({ signQuery: true, path: '/bucket/key?response-expires=x' }),
  request('GET', `/bucket/key?acl&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=${v2}&Expires=1369357200`, {
    Host: 'localhost',
    'x-amz-meta-a': '1',
  }),
]

/** What a request asks for (SigV2 signs of the host only the bucket that it names), apart from who signed it; undefined where no server would understand it. */
function meaningOf(sent: SignedRequest): string | undefined {
  try {
    const { bucket, key, query } = parseTarget({ target: sent.target, host: 'localhost', domains: [] })
    const headers: string[] = []
    for (let i = 0; i < sent.rawHeaders.length; i += 2) {
      const name = (sent.rawHeaders[i] as string).toLowerCase()
      const value = (sent.rawHeaders[i + 1] as string).replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/g, '')
      const isHost = name === 'host' && !query.has('AWSAccessKeyId')
      if (isHost || name.startsWith('x-amz-')) headers.push(`${name}:${value}`)
    }
    return JSON.stringify([sent.method, bucket, key, [...query].sort(), headers.sort()])
  } catch {
    return undefined
  }
}

const noise = fc.oneof(
  fc.constantFrom(
    '/',
    '?',
    '&',
    '=',
    '%',
    '%2F',
    '%00',
    '+',
    ' ',
    ';',
    ',',
    '\n',
    '\0',
    '..',
    '-',
    'X-Amz-',
    'é',
    '😀',
    '0',
    'a',
  ),
  fc.string({ maxLength: 4 }),
)
const mutation = fc.record({
  where: fc.constantFrom('method', 'target', 'name', 'value', 'add', 'drop', 'swap') as fc.Arbitrary<Where>,
  at: fc.nat(10_000),
  cut: fc.nat(3),
  text: noise,
})
type Where = 'method' | 'target' | 'name' | 'value' | 'add' | 'drop' | 'swap'
interface Mutation {
  where: Where
  at: number
  cut: number
  text: string
}

function splice(text: string, { at, cut, text: more }: Mutation): string {
  const from = at % (text.length + 1)
  return text.slice(0, from) + more + text.slice(from + cut)
}

function mutate(sent: SignedRequest, change: Mutation): SignedRequest {
  const raw = [...sent.rawHeaders]
  if (raw.length === 0) raw.push('a', 'b')
  const pair = (change.at % (raw.length / 2)) * 2
  const inside = { ...change, at: Math.floor(change.at / 7) }
  switch (change.where) {
    case 'method':
      return { ...sent, method: splice(sent.method, change) }
    case 'target':
      return { ...sent, target: splice(sent.target, change) }
    case 'name':
      raw[pair] = splice(raw[pair] ?? '', inside)
      break
    case 'value':
      raw[pair + 1] = splice(raw[pair + 1] ?? '', inside)
      break
    case 'add':
      raw.push(change.at % 2 ? `x-amz-${change.text}` : change.text, 'value')
      break
    case 'drop':
      raw.splice(pair, 2)
      break
    case 'swap':
      raw.push(...raw.splice(pair, 2))
  }
  return { ...sent, rawHeaders: raw }
}

t.test(`${RUNS} mutated requests: refused by a StoreFault, anonymous, or they mean what was signed`, async (t) => {
  const outcomes = { account: 0, anonymous: 0, refused: 0 }
  for (const original of originals) t.equal((await ask(original, deps)).kind, 'account')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...originals),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      async (original, changes) => {
        const sent = changes.reduce(mutate, original)
        try {
          const identity = await ask(sent, deps)
          outcomes[identity.kind]++
          if (identity.kind === 'account' && meaningOf(sent) !== undefined) {
            if (meaningOf(sent) !== meaningOf(original)) throw new Error(`got in: ${JSON.stringify(sent)}`)
          }
        } catch (error) {
          if (!(error instanceof StoreFault)) throw error
          outcomes.refused++
        }
      },
    ),
    { numRuns: RUNS },
  )
  t.comment(outcomes)
  t.ok(outcomes.account > 0 && outcomes.refused > RUNS / 2)
})
