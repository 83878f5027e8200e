import { createHash } from 'node:crypto'
import t from 'tap'
import type { PayloadMode } from '../../../src/s3api/auth/payload-mode.ts'
import { openBody } from '../../../src/s3api/body/open-body.ts'
import { frame, headersFor, open, payloadOf } from './framing.ts'

const bytes = Buffer.from('hello world')
const unsigned: PayloadMode = { kind: 'unsigned' }
const signed = (body: Uint8Array): PayloadMode => ({
  kind: 'signed',
  sha256: createHash('sha256').update(body).digest('hex'),
})

t.test('plain bodies pass through, of known and unknown length, and empty', async (t) => {
  for (const payload of [unsigned, signed(bytes)]) {
    const known = await open(
      [bytes.subarray(0, 3), Buffer.alloc(0), bytes.subarray(3)],
      { 'content-length': '11' },
      payload,
    )
    t.same([known.bytes.toString(), known.sizeBytes, known.trailers], ['hello world', 11, {}])
    const unknown = await open([bytes], { 'transfer-encoding': 'chunked' }, payload)
    t.same([unknown.bytes.toString(), unknown.sizeBytes], ['hello world', undefined])
  }
  t.equal((await open([], { 'content-length': '0' }, signed(Buffer.alloc(0)))).bytes.length, 0)
  t.equal((await open([], {}, unsigned)).bytes.length, 0)
})

t.test('a body that is not what was signed throws at its end, after its bytes', async (t) => {
  const body = openBody(
    (async function* () {
      yield bytes
    })(),
    { headers: {} },
    signed(Buffer.from('other')),
  )
  const iterator = body.stream[Symbol.asyncIterator]()
  t.equal((await iterator.next()).value, bytes, 'uncopied')
  await t.rejects(iterator.next(), { code: 'XAmzContentSHA256Mismatch' })
  await t.rejects(open([], { 'content-length': '0' }, signed(bytes)), { code: 'XAmzContentSHA256Mismatch' })
})

t.test('attack: Content-Length that lies', async (t) => {
  for (const payload of [unsigned, signed(bytes)]) {
    await t.rejects(open([bytes], { 'content-length': '12' }, payload), { code: 'IncompleteBody' })
    await t.rejects(open([bytes], { 'content-length': '10' }, payload), { code: 'IncompleteBody' })
  }
  const coded = frame('unsigned-trailer', [bytes])
  const headers = { ...headersFor(11), 'content-length': String(coded.length - 1) }
  await t.rejects(open([coded], headers, payloadOf('unsigned-trailer')), { code: 'IncompleteBody' })
  await t.rejects(open([bytes], { 'content-length': 'x' }, unsigned), { code: 'InvalidArgument' })
  await t.rejects(open([bytes], { 'content-length': ['11', '11'] }, unsigned), { code: 'InvalidArgument' })
})

t.test('attack: Content-Length together with Transfer-Encoding', async (t) => {
  const headers = { 'content-length': '11', 'transfer-encoding': 'chunked' }
  await t.rejects(open([bytes], headers, unsigned), { code: 'InvalidRequest' })
})

t.test('x-amz-trailer without a mode that has trailers is refused, not ignored', async (t) => {
  await t.rejects(open([bytes], { 'x-amz-trailer': 'x-amz-checksum-crc32' }, unsigned), { code: 'InvalidRequest' })
})

t.test('the source is let go when the reader leaves, and when the body is bad', async (t) => {
  let isReturned = false
  const source = () =>
    (async function* () {
      try {
        while (true) yield bytes
      } finally {
        isReturned = true
      }
    })()
  for await (const _ of openBody(source(), { headers: {} }, signed(bytes)).stream) break
  t.ok(isReturned)
  isReturned = false
  const bad = openBody(source(), { headers: headersFor(5) }, payloadOf('signed'))
  await t.rejects(bad.stream[Symbol.asyncIterator]().next(), { code: 'IncompleteBody' })
  t.ok(isReturned)
})

t.test('what the source throws comes through as it is', async (t) => {
  const gone = new Error('aborted')
  const source = (async function* () {
    yield bytes
    throw gone
  })()
  const body = openBody(source, { headers: {} }, signed(bytes))
  await t.rejects(
    (async () => {
      for await (const _ of body.stream);
    })(),
    gone,
  )
})
