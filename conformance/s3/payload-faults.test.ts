import t, { type Test } from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { checksum } from '../support/checksums.ts'
import { type Streamed, streamed, streamingModes } from '../support/payload.ts'
import { element, openSuite, refusedWire } from '../support/suite.ts'
import { exchange, type WireResponse } from '../support/wire.ts'

/** One thing wrong with a streamed body: refused, and nothing of it is to be seen. */
const { bucket, send, target } = await openSuite(t)
const data = bytes(150_000)
const [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER] = streamingModes
let count = 0

async function attempt(upload: Omit<Streamed, 'path' | 'data'>): Promise<{ answer: WireResponse; path: string }> {
  const path = `/${bucket}/fault-${count++}`
  const request = streamed(target, { path, data, frameBytes: 65_536, ...upload })
  return { answer: await exchange(target.endpoint, request), path }
}

async function nothingAt(t: Test, path: string): Promise<void> {
  t.equal((await send({ method: 'HEAD', path })).status, 404, 'nothing is there')
}

/** Flips a character of the signature of piece `at`. */
const spoil = (at: number) => (pieces: Buffer[]) =>
  pieces.map((piece, n) => {
    if (n !== (at + pieces.length) % pieces.length) return piece
    const text = piece.toString('latin1')
    const where = text.search(/signature[=:]/) + 'signature='.length
    return Buffer.from(text.slice(0, where) + (text[where] === '0' ? '1' : '0') + text.slice(where + 1), 'latin1')
  })
const spoilData = (at: number) => (pieces: Buffer[]) =>
  pieces.map((piece, n) => {
    if (n !== at) return piece
    const changed = Buffer.from(piece)
    changed[changed.length - 10]! ^= 1
    return changed
  })
const swapped = ([first, second, ...rest]: Buffer[]) => [second!, first!, ...rest]
const without = (at: number) => (pieces: Buffer[]) =>
  pieces.filter((_, n) => n !== (at + pieces.length) % pieces.length)

const signatureFaults: [what: string, upload: Omit<Streamed, 'path' | 'data'>][] = [
  ['the first frame’s signature wrong', { mode: SIGNED, tamper: spoil(0) }],
  ['a middle frame’s signature wrong', { mode: SIGNED, tamper: spoil(1) }],
  ['the last, empty frame’s signature wrong', { mode: SIGNED, tamper: spoil(-2) }],
  ['a byte of a signed frame changed', { mode: SIGNED, tamper: spoilData(1) }],
  ['two signed frames exchanged', { mode: SIGNED, tamper: swapped }],
  [
    'a signed frame left out, its length not declared',
    { mode: SIGNED, tamper: without(0), decodedLength: data.length - 65_536 },
  ],
  ['the trailer’s signature wrong', { mode: SIGNED_TRAILER, tamper: spoil(-1) }],
  ['a frame’s signature wrong before a trailer', { mode: SIGNED_TRAILER, tamper: spoil(0) }],
]
for (const [what, upload] of signatureFaults)
  t.test(`PutObject: ${upload.mode}: ${what}: 403 SignatureDoesNotMatch, nothing stored`, async (t) => {
    const { answer, path } = await attempt(upload)
    refusedWire(t, answer, 403, 'SignatureDoesNotMatch')
    await nothingAt(t, path)
  })

t.test('PutObject: a signed trailer whose checksum was changed: refused, nothing stored', async (t) => {
  const right = checksum('CRC32', data)
  const tamper = (pieces: Buffer[]) =>
    pieces.map((piece) => Buffer.from(piece.toString('latin1').replace(right, checksum('CRC32', bytes(1))), 'latin1'))
  const { answer, path } = await attempt({ mode: SIGNED_TRAILER, tamper })
  refusedWire(t, answer, answer.status === 403 ? 403 : 400, /^(SignatureDoesNotMatch|BadDigest)$/)
  await nothingAt(t, path)
})

for (const mode of [SIGNED_TRAILER, UNSIGNED_TRAILER] as const) {
  t.test(`PutObject: ${mode}: a wrong checksum in the trailer: 400 BadDigest, nothing stored (quirk 11)`, async (t) => {
    const { answer, path } = await attempt({ mode, trailerValue: checksum('CRC32', bytes(1)) })
    refusedWire(t, answer, 400, /^(BadDigest|XAmzContentChecksumMismatch)$/)
    await nothingAt(t, path)
  })
  t.test(`PutObject: ${mode}: a malformed checksum in the trailer: 400, nothing stored`, async (t) => {
    const { answer, path } = await attempt({ mode, trailerValue: 'not base64!' })
    refusedWire(t, answer, 400, /^(InvalidRequest|BadDigest|MalformedTrailerError)$/)
    await nothingAt(t, path)
  })
  t.test(`PutObject: ${mode}: the announced trailer does not come: refused, nothing stored`, async (t) => {
    const { answer, path } = await attempt({ mode, tamper: (pieces) => [...pieces.slice(0, -1), Buffer.from('\r\n')] })
    t.ok(answer.status === 400 || answer.status === 403, `${answer.status} ${element(answer.body, 'Code')}`)
    await nothingAt(t, path)
  })
}

for (const mode of streamingModes) {
  const faults: [what: string, change: Partial<Streamed>][] = [
    ['x-amz-decoded-content-length one too many', { decodedLength: data.length + 1 }],
    ['x-amz-decoded-content-length one too few', { decodedLength: data.length - 1 }],
    ['x-amz-decoded-content-length 0', { decodedLength: 0 }],
    ['the last, empty frame does not come', { tamper: (pieces) => pieces.slice(0, -2) }],
    ['a frame ends without CRLF', { tamper: ([first, ...rest]) => [first!.subarray(0, -2), ...rest] }],
    ['a frame size that is no number', { tamper: ([first, ...rest]) => [Buffer.from('zz'), first!, ...rest] }],
    ['a frame size with a sign', { tamper: ([first, ...rest]) => [Buffer.from('-'), first!, ...rest] }],
    [
      'a frame size beyond all bounds',
      { tamper: ([first, ...rest]) => [Buffer.from('ffffffffffffffff'), first!, ...rest] },
    ],
    ['a frame header without end', { tamper: () => [Buffer.from('1'.repeat(100_000))] }],
    ['bytes after the end', { tamper: (pieces) => [...pieces, Buffer.from('more')] }],
  ]
  for (const [what, change] of faults)
    for (const transferCoding of [false, true])
      t.test(
        `PutObject: ${mode}${transferCoding ? ', chunked transfer coding' : ''}: ${what}: refused, nothing stored`,
        async (t) => {
          const { answer, path } = await attempt({ mode, transferCoding, ...change })
          t.ok([400, 403].includes(answer.status), `${answer.status} ${element(answer.body, 'Code')}`)
          await nothingAt(t, path)
        },
      )
}

t.test('PutObject: a payload hash that is not the body’s: 400 XAmzContentSHA256Mismatch, nothing stored', async (t) => {
  const path = `/${bucket}/hash`
  const answer = await send({ method: 'PUT', path, body: data, payload: sha256(bytes(3)) })
  refusedWire(t, answer, 400, 'XAmzContentSHA256Mismatch')
  await nothingAt(t, path)
})

t.test('PutObject: an x-amz-content-sha256 that is none of S3’s: 400, nothing stored', async (t) => {
  for (const payload of ['STREAMING-SOMETHING', 'abc', `${'0'.repeat(63)}g`, '']) {
    const path = `/${bucket}/payload`
    const answer = await send({ method: 'PUT', path, body: 'x', headers: { 'X-Amz-Content-Sha256': payload } })
    t.ok(answer.status >= 400 && answer.status < 500, `${JSON.stringify(payload)}: ${answer.status}`)
    await nothingAt(t, path)
  }
})

t.test('PutObject: a streaming mode without x-amz-decoded-content-length: 411 MissingContentLength', async (t) => {
  const path = `/${bucket}/no-length`
  const request = streamed(target, { path, mode: SIGNED, data, headers: { 'X-Amz-Decoded-Content-Length': '' } })
  const answer = await exchange(target.endpoint, request)
  t.match(
    [answer.status, element(answer.body, 'Code')],
    [/^4(00|11)$/, /^(MissingContentLength|InvalidArgument|InvalidRequest)$/],
  )
  await nothingAt(t, path)
})
