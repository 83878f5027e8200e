import t from 'tap'
import { operations } from '../../src/s3api/operations/table.ts'
import { brokenFront } from '../fuzz/broken-front.ts'
import { deliver } from '../fuzz/deliver.ts'
import type { Target } from '../fuzz/field.ts'
import { bytesOf, type Header, type HttpRequest } from '../fuzz/request.ts'
import { type Key, sha256, signInHeader, signInQuery, signInQueryV2 } from '../fuzz/sign.ts'
import { testAccount, testKey } from '../support/memory-engine.ts'
import { saveResult } from '../support/reliability.ts'
import { startS3 } from '../support/s3-server.ts'
import { ANSWERED, KEPT, policyOf, type Row, rows } from './authorisation-rows.ts'
import { COPY } from './copy-rows.ts'

const SECRET = 'what only the owner may read'

type Rules = 'none' | 'allow the other' | 'allow and deny the other' | 'allow everybody' | 'deny everybody'

/** Statements of the policy of every bucket, as the owner set it. */
function statementsOf(rules: Rules): object[] {
  const to = (Principal: unknown) => ({ Principal, Action: 's3:*' })
  const other = to({ AWS: OTHER_ID })
  switch (rules) {
    case 'none':
      return []
    case 'allow the other':
      return [{ Effect: 'Allow', ...other }]
    case 'allow and deny the other':
      return [
        { Effect: 'Allow', ...other },
        { Effect: 'Deny', ...other },
      ]
    case 'allow everybody':
      return [{ Effect: 'Allow', ...to('*') }]
    case 'deny everybody':
      return [{ Effect: 'Deny', ...to('*') }]
  }
}

interface Who {
  who: string
  key: Key | undefined
  rules: Rules
  /** Whose the key is, once it is proven. */
  as: 'nobody' | 'the other' | 'the owner' | 'an impostor'
  /** What its own policy says. */
  bound?: 'allowed' | 'denied'
}

/** Everybody who asks, and under which rules. */
function askers({ owner, stranger }: Target): Who[] {
  const unknown = { accessKeyId: 'AKNOBODY', secretAccessKey: 'x' }
  const wrong = { ...owner, secretAccessKey: stranger.secretAccessKey }
  return [
    { who: 'nobody', key: undefined, rules: 'none', as: 'nobody' },
    { who: 'nobody', key: undefined, rules: 'allow the other', as: 'nobody' },
    { who: 'nobody', key: undefined, rules: 'allow everybody', as: 'nobody' },
    { who: 'an unknown key', key: unknown, rules: 'none', as: 'an impostor' },
    { who: 'an unknown key', key: unknown, rules: 'allow everybody', as: 'an impostor' },
    { who: 'a wrong secret', key: wrong, rules: 'none', as: 'an impostor' },
    { who: 'a wrong secret', key: wrong, rules: 'allow everybody', as: 'an impostor' },
    { who: 'another account', key: stranger, rules: 'none', as: 'the other' },
    { who: 'another account', key: stranger, rules: 'allow the other', as: 'the other' },
    { who: 'another account', key: stranger, rules: 'allow everybody', as: 'the other' },
    { who: 'another account', key: stranger, rules: 'allow and deny the other', as: 'the other' },
    { who: 'the owner', key: owner, rules: 'none', as: 'the owner' },
    { who: 'the owner', key: owner, rules: 'deny everybody', as: 'the owner' },
    ...BOUND.map(({ accessKeyId, secretAccessKey, bound }): Who => {
      const key = { accessKeyId, secretAccessKey }
      return { who: `the owner's key ${accessKeyId}`, key, rules: 'none', as: 'the owner', bound }
    }),
  ]
}

/** The one table of what comes of it. */
function expectedOf(row: Row, { rules, as, bound }: Who): number {
  const REFUSED = 403
  if (as === 'an impostor' || bound === 'denied') return REFUSED
  if (row.isForAll) return as === 'nobody' ? REFUSED : row.status
  if (as === 'the owner') return rules === 'deny everybody' && !row.isNeverLocked ? REFUSED : row.status
  const isAllowed = rules === 'allow everybody' || (rules === 'allow the other' && as === 'the other')
  if (!isAllowed || (as === 'nobody' && row.needsAccount)) return REFUSED
  return row.foreignStatus ?? row.status
}

/** Asks in every way; `wrong` is what came out otherwise than it should, in words. */
async function deviations(target: Target, under: (rules: Rules) => boolean = () => true) {
  const wrong: string[] = []
  const asked = { all: 0, refused: 0 }
  for (const [n, [operation, row]] of Object.entries(rows).entries()) {
    const untouched = new Map<Rules, Fill>()
    for (const [m, { asker, how }] of askings(target, row).entries()) {
      if (!under(asker.rules)) continue
      const changesNothing = !mayChange(row, asker)
      const known = changesNothing ? untouched.get(asker.rules) : undefined
      const fill = known ?? (await prepare(target, `bucket-${n}-${m}`, row, asker.rules))
      if (changesNothing) untouched.set(asker.rules, fill)
      wrong.push(...(await deviationsOf(target, operation, row, { ...asker, how, fill })))
      asked.all += 1
      if (expectedOf(row, asker) === 403) asked.refused += 1
    }
  }
  return { wrong, asked }
}

async function deviationsOf(target: Target, operation: string, row: Row, asking: Who & Asking): Promise<string[]> {
  const { who, rules, how, fill } = asking
  const expected = expectedOf(row, asking)
  const answer = await ask(target, { ...row, path: fill(row.path), body: fill(row.body ?? '') }, asking)
  const got = statusOf(operation, answer)
  const status = row.status === ANSWERED && got !== 403 ? ANSWERED : got
  const what = `${operation} by ${who} (rules: ${rules}), ${how}`
  const wrong = status === expected ? [] : [`${what}: ${status}, not ${expected}`]
  if (expected === 403 && answer.text.includes(SECRET)) wrong.push(`${what}: told the secret`)
  return wrong
}

/**
 * Each who in each way; whoever changes something, in one of them: each gets buckets of his own, which take time to make.
 * What is not carried out is asked for without any rules, and in one way.
 */
function askings(target: Target, row: Row): { asker: Who; how: Asking['how'] }[] {
  const isPlain = row.isForAll || row.status === ANSWERED
  return askers(target).flatMap((asker, n): { asker: Who; how: Asking['how'] }[] => {
    if (isPlain && asker.rules !== 'none') return []
    if (!asker.key) return [{ asker, how: 'not signed' }]
    // Of SigV2's presigned requests the fuzzer's client signs those without a query of their own.
    const ways = (['header', 'query', 'query V2'] as const).slice(0, row.path.includes('?') ? 2 : 3)
    const isOnce = row.status === ANSWERED || asker.as === 'an impostor' || mayChange(row, asker)
    return (isOnce ? [ways[n % ways.length]!] : ways).map((how) => ({ asker, how }))
  })
}

function mayChange(row: Row, asker: Who): boolean {
  return expectedOf(row, asker) !== 403 && row.method !== 'GET' && row.method !== 'HEAD'
}

/** DeleteObjects refuses each key of its own. */
function statusOf(operation: string, { status, text }: { status: number; text: string }): number {
  const isByKey = operation === 'DeleteObjects' && status === 200 && !text.includes('<Deleted>')
  return isByKey && text.includes('<Code>AccessDenied</Code>') ? 403 : status
}

type Fill = (text: string) => string

/** Of what the row needs: a bucket with an object, and an upload with a part; an empty bucket; one with a policy; one that takes ACLs. */
async function prepare(target: Target, bucket: string, { path }: Pick<Row, 'path'>, rules: Rules): Promise<Fill> {
  const by = { key: target.owner, how: 'header' as const, fill: (text: string) => text }
  const make = async (method: string, path: string, body = '', headers: readonly Header[] = []) => {
    const answer = await ask(target, { method, path, body, headers }, by)
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  const names = ['', 'empty-', 'kept-', 'acl-'].filter((prefix) => path.startsWith(`/${prefix}BUCKET`))
  const statements = statementsOf(rules)
  let upload = { uploadId: '', etag: '' }
  for (const prefix of names) {
    const [name, own] = [prefix + bucket, prefix === 'kept-' ? KEPT : []]
    await make('PUT', `/${name}`, '', prefix === 'acl-' ? [['x-amz-object-ownership', 'ObjectWriter']] : [])
    if (rules === 'allow everybody')
      await make('PUT', `/${name}?publicAccessBlock`, '<PublicAccessBlockConfiguration/>')
    if (prefix === '' || path.includes('/key?')) await make('PUT', `/${name}/key`, SECRET)
    if (path.includes('UPLOAD')) upload = await makeUpload(name, make)
    if (statements.length + own.length > 0) {
      await make('PUT', `/${name}?policy`, policyOf(name, [...own, ...statements]))
    }
  }
  const { uploadId, etag } = upload
  return (text) => text.replaceAll('BUCKET', bucket).replaceAll('UPLOAD', uploadId).replaceAll('ETAG', etag)
}

type Make = (method: string, path: string, body?: string) => Promise<{ text: string; etag: string }>

async function makeUpload(bucket: string, make: Make): Promise<{ uploadId: string; etag: string }> {
  const created = await make('POST', `/${bucket}/upload?uploads`)
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created.text)?.[1] ?? ''
  const part = await make('PUT', `/${bucket}/upload?partNumber=1&uploadId=${uploadId}`, 'part')
  return { uploadId, etag: part.etag.replaceAll('"', '') }
}

interface Asking {
  key: Key | undefined
  how: 'header' | 'query' | 'query V2' | 'not signed'
  fill: Fill
}

async function ask(
  target: Target,
  { method, path, headers = [], body = '' }: Pick<Row, 'method' | 'path' | 'headers' | 'body'>,
  { key, how, fill }: Asking,
) {
  const proof: Header[] = /\?(?:delete|cors|encryption|lifecycle|object-lock|tagging|versioning)$/.test(path)
    ? [
        ['x-amz-sdk-checksum-algorithm', 'SHA256'],
        ['x-amz-checksum-sha256', Buffer.from(sha256(body), 'hex').toString('base64')],
      ]
    : []
  const filled = headers.map(([name, value]): Header => [name, fill(value)])
  const all: Header[] = [
    ['Host', target.endpoint.host],
    ...filled,
    ...proof,
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ]
  const plain: HttpRequest = { method, target: path, version: 'HTTP/1.1', headers: all, body: Buffer.from(body) }
  const place = { host: target.endpoint.hostname, port: Number(target.endpoint.port) }
  const outcome = await deliver(place, { pieces: [bytesOf(signedBy(plain, target, key, how))], isWhole: true })
  const etag = outcome.headers.find(([name]) => name === 'etag')?.[1] ?? ''
  return { status: outcome.status, text: outcome.received.toString('latin1'), etag }
}

function signedBy(plain: HttpRequest, { region }: Target, key: Key | undefined, how: Asking['how']): HttpRequest {
  if (!key || how === 'not signed') return plain
  const signing = { key, region, atMs: Date.now() }
  if (how === 'query V2') return signInQueryV2(plain, { ...signing, payload: 'UNSIGNED-PAYLOAD' })
  return how === 'header'
    ? signInHeader(plain, { ...signing, payload: sha256(plain.body) })
    : signInQuery(plain, { ...signing, payload: 'UNSIGNED-PAYLOAD' })
}

const OTHER_ID = testAccount('other').id
const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }
/** Keys of the owner's that a policy of their own bounds. */
const BOUND = (
  [
    ['all', 'allowed', [EVERYTHING]],
    ['none', 'denied', [EVERYTHING, { ...EVERYTHING, Effect: 'Deny' }]],
    ['unsaid', 'denied', [{ ...EVERYTHING, Action: 's3:RestoreObject' }]],
  ] as const
).map(([name, bound, Statement]) => ({ ...testKey(name, testAccount('root'), JSON.stringify({ Statement })), bound }))

async function start(): Promise<{ s3: Awaited<ReturnType<typeof startS3>>; target: Target }> {
  const s3 = await startS3({ moreKeys: BOUND })
  return { s3, target: { endpoint: new URL(s3.endpoint), region: 'us-east-1', owner: s3.key, stranger: s3.otherKey } }
}

t.test('authorisation: every operation has its row', async (t) => {
  t.same(Object.keys(rows).sort(), operations.map(({ name }) => name).sort())
})

t.test('authorisation: each operation, by each who may not, in each way: 403; by the owner: done', async (t) => {
  const { s3, target } = await start()
  await using _s3 = s3
  const { wrong, asked } = await deviations(target)
  t.same(wrong, [])
  const theirs = [...s3.engine.buckets.values()].filter(({ bucket }) => bucket.ownerId === s3.otherKey.account.id)
  t.ok(
    theirs.every(({ bucket }) => bucket.name.startsWith('new-')),
    'nobody else made anything but by CreateBucket',
  )
  await saveResult({
    name: 'authorisation',
    test: 'test/s3api/authorisation.test.ts',
    promise: 'Each operation is done for whom the table allows it and refused to everybody else, however it is signed',
    passed: t.passing(),
    runs: `${asked.all} requests: ${operations.length} operations by ${askers(target).length} identities under policies that allow, deny or say nothing, signed in the header, presigned, presigned by SigV2, not signed`,
    result: `${asked.refused} had to be refused, ${asked.all - asked.refused} to be done; ${wrong.length} came out otherwise`,
  })
})

t.test('authorisation: a gateway that believes everybody is found out', async (t) => {
  const { s3, target } = await start()
  await using _s3 = s3
  await using front = await brokenFront(target, 'believes everybody', SECRET)
  const { wrong } = await deviations(front.target, (rules) => rules === 'none')
  t.ok(
    wrong.some((what) => what.startsWith('GetObject by nobody')),
    'who may read',
  )
  t.ok(
    wrong.some((what) => what.startsWith('DeleteBucket by another account')),
    'who may delete',
  )
})

t.test('authorisation: a copy needs leave for its source, too', async (t) => {
  const { s3, target } = await start()
  await using _s3 = s3
  const fill = await prepare(target, 'bucket', { path: '/BUCKET' }, 'none')
  const stranger = { key: target.stranger, how: 'header' as const, fill }
  t.equal((await ask(target, { method: 'PUT', path: '/their-bucket' }, stranger)).status, 200)
  const made = await ask(target, { method: 'POST', path: '/their-bucket/up?uploads' }, stranger)
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(made.text)?.[1]
  const copies = ['/their-bucket/copy', `/their-bucket/up?partNumber=1&uploadId=${uploadId}`]
  for (const how of ['header', 'query'] as const) {
    for (const path of copies) {
      const answer = await ask(target, { method: 'PUT', path, headers: [COPY] }, { ...stranger, how })
      t.equal(answer.status, 403, `${path}, ${how}`)
    }
  }
  t.equal(s3.engine.buckets.size, 2)
  t.equal([...s3.engine.buckets.values()].find(({ bucket }) => bucket.name === 'their-bucket')?.objects.size, 0)
})

t.test('authorisation: who may not see a bucket does not learn what is in it', async (t) => {
  const { s3, target } = await start()
  await using _s3 = s3
  const fill = await prepare(target, 'bucket', { path: '/BUCKET' }, 'none')
  for (const { who, key } of askers(target).filter(({ as, rules }) => as !== 'the owner' && rules === 'none')) {
    for (const method of ['GET', 'HEAD']) {
      const asked = { key, how: key ? ('header' as const) : ('not signed' as const), fill }
      const [there, missing] = [
        await ask(target, { method, path: '/bucket/key' }, asked),
        await ask(target, { method, path: '/bucket/none' }, asked),
      ]
      t.same([there.status, missing.status], [403, 403], `${method} by ${who}`)
    }
  }
})
