import fc from 'fast-check'
import t from 'tap'
import { StoreFault } from '../../../src/base/faults.ts'
import { openBody } from '../../../src/s3api/body/open-body.ts'
import { cut, frame, headersFor, type Mode, open, payloadOf, SEED, sourceOf, TRAILER_SEED } from './framing.ts'

const CRC32 = 'x-amz-checksum-crc32'
const a = (length: number) => Buffer.alloc(length, 'a')
const mode = fc.constantFrom<Mode>('signed', 'signed-trailer', 'unsigned-trailer')
const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 6 })
const places = fc.array(fc.nat(), { maxLength: 8 })
const trailersOf = (m: Mode): Record<string, string> => (m === 'signed' ? {} : { [CRC32]: 'AAAAAA==' })

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …/sigv4-streaming-trailers.html */
const PUBLISHED = {
  signed: [
    'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
    '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
    'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
  ],
  trailer: [
    'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
    '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
    '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  ],
  trailerSignature: 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
}
const published = (signatures: readonly string[], trailer: string) =>
  Buffer.concat([
    Buffer.from(`10000;chunk-signature=${signatures[0]}\r\n`),
    a(65_536),
    Buffer.from(`\r\n400;chunk-signature=${signatures[1]}\r\n`),
    a(1024),
    Buffer.from(`\r\n0;chunk-signature=${signatures[2]}\r\n${trailer}\r\n`),
  ])

t.test("AWS's published chunk uploads are accepted, and belong to their seed", async (t) => {
  const body = published(PUBLISHED.signed, '')
  t.equal(body.length, 66_824)
  const headers = { ...headersFor(66_560), 'content-length': '66824' }
  const found = await open([body], headers, payloadOf('signed'))
  t.ok(found.bytes.equals(a(66_560)))
  t.equal(found.sizeBytes, 66_560)
  await t.rejects(open([body], headers, payloadOf('signed', TRAILER_SEED)), { code: 'SignatureDoesNotMatch' })

  const checksum = 'x-amz-checksum-crc32c'
  const withTrailer = published(
    PUBLISHED.trailer,
    `${checksum}:sOO8/Q==\r\nx-amz-trailer-signature:${PUBLISHED.trailerSignature}\r\n`,
  )
  const trailing = await open([withTrailer], headersFor(66_560, [checksum]), payloadOf('signed-trailer', TRAILER_SEED))
  t.ok(trailing.bytes.equals(a(66_560)))
  t.same(trailing.trailers, { [checksum]: 'sOO8/Q==' })
  await t.rejects(open([withTrailer], headersFor(66_560, [checksum]), payloadOf('signed-trailer', SEED)), {
    code: 'SignatureDoesNotMatch',
  })
})

t.test('any frames, cut anywhere, give back the bytes and the trailers', async () => {
  await fc.assert(
    fc.asyncProperty(mode, frames, places, async (m, list, where) => {
      const decoded = Buffer.concat(list)
      const trailers = trailersOf(m)
      const coded = frame(m, list, trailers)
      const headers = headersFor(decoded.length, Object.keys(trailers))
      const found = await open(cut(coded, where), headers, payloadOf(m))
      return found.bytes.equals(decoded) && JSON.stringify(found.trailers) === JSON.stringify(trailers)
    }),
    { numRuns: 500 },
  )
})

t.test('a body that comes byte by byte', async (t) => {
  for (const m of ['signed', 'signed-trailer', 'unsigned-trailer'] as const) {
    const coded = frame(m, [a(1), a(17), a(1)], trailersOf(m))
    const pieces = cut(coded, [...coded.keys()])
    const found = await open(pieces, headersFor(19, Object.keys(trailersOf(m))), payloadOf(m))
    t.ok(found.bytes.equals(a(19)))
  }
})

t.test('attack: any damage to a signed body is refused, or it left the bytes as they were', async () => {
  const damage = fc.record({
    at: fc.nat(),
    drop: fc.nat(2),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(...['\r\n', '0', ';', '0\r\n\r\n'].map((s) => Buffer.from(s))),
    ),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Mode>('signed', 'signed-trailer'),
      frames,
      places,
      damage,
      async (m, list, where, { at, drop, insert }) => {
        const decoded = Buffer.concat(list)
        const coded = frame(m, list, trailersOf(m))
        const from = at % (coded.length + 1)
        const bad = Buffer.concat([coded.subarray(0, from), insert, coded.subarray(from + drop)])
        try {
          const found = await open(
            cut(bad, where),
            headersFor(decoded.length, Object.keys(trailersOf(m))),
            payloadOf(m),
          )
          return found.bytes.equals(decoded) && JSON.stringify(found.trailers) === JSON.stringify(trailersOf(m))
        } catch (error) {
          return error instanceof StoreFault
        }
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('attack: every body cut short is refused, wherever', async (t) => {
  for (const m of ['signed', 'signed-trailer', 'unsigned-trailer'] as const) {
    const coded = frame(m, [a(5), a(3)], trailersOf(m))
    for (let length = 0; length < coded.length; length++) {
      const short = open([coded.subarray(0, length)], headersFor(8, Object.keys(trailersOf(m))), payloadOf(m))
      await short.then(
        () => t.fail(`${m}: ${length} of ${coded.length} bytes were taken for the whole`),
        (error) => error.code === 'IncompleteBody' || t.fail(`${m}: ${error}`),
      )
    }
  }
  t.pass('none was taken')
})

t.test('attack: frames of a signed body that are dropped, repeated, moved or from another chain', async (t) => {
  const [x, y] = [Buffer.from('xxxx'), Buffer.from('yyyy')]
  const parts = (body: Buffer) => [body.subarray(0, 90), body.subarray(90, 180), body.subarray(180)] as const
  const [first, second, end] = parts(frame('signed', [x, y]))
  t.match(first.toString(), /^4;chunk-signature=.{64}\r\nxxxx\r\n$/)
  const lies: [string, Buffer[], number][] = [
    ['swapped', [second, first, end], 8],
    ['repeated', [first, first, end], 8],
    ['dropped', [first, end], 4],
    ['of another seed', [...parts(frame('signed', [x, y], {}, TRAILER_SEED))], 8],
  ]
  for (const [name, pieces, length] of lies) {
    await t.rejects(open(pieces, headersFor(length), payloadOf('signed')), { code: 'SignatureDoesNotMatch' }, name)
  }
})

t.test('attack: x-amz-decoded-content-length that lies, either way, is missing, or is no number', async (t) => {
  for (const m of ['signed', 'unsigned-trailer'] as const) {
    const coded = frame(m, [a(10)])
    for (const lie of [0, 9, 11, 10_000]) {
      await t.rejects(open([coded], headersFor(lie), payloadOf(m)), { code: 'IncompleteBody' }, `${lie}`)
    }
    await t.rejects(open([coded], {}, payloadOf(m)), { code: 'MissingContentLength' })
    for (const text of ['', '-1', '1e1', '0x10', ' 10', '10, 10', '9007199254740993']) {
      const headers = { 'x-amz-decoded-content-length': text }
      await t.rejects(open([coded], headers, payloadOf(m)), { code: 'InvalidArgument' }, text)
    }
  }
})

t.test('bad forms of frames are refused', async (t) => {
  const bodies = [
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhello0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '5\r\nhello\r\n0\n\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '+5\r\nhello\r\n0\r\n\r\n',
    '-5\r\nhello\r\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    '5;name=value\r\nhello\r\n0\r\n\r\n',
    `5;chunk-signature=${'0'.repeat(64)}\r\nhello\r\n0\r\n\r\n`,
    '\r\n5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n\r\n',
    '5\r\nhello\r\n',
    '5\r\nhello\r\n0\r\n\r\n\r\n',
    '5\r\nhello\r\n0\r\n\r\nmore',
    '5\r\nhello\r\n0\r\n\r\n0\r\n\r\n',
    '6\r\nhello!\r\n0\r\n\r\n',
    'ffffffffffffffff\r\nhello\r\n0\r\n\r\n',
    '00000000000000005\r\nhello\r\n0\r\n\r\n',
    '0\r\n\r\n',
    'hello',
    '',
    `${'0'.repeat(10_000)}5\r\nhello\r\n0\r\n\r\n`,
    'x'.repeat(100_000),
  ]
  for (const body of bodies) {
    for (const places of [[], [1], [...Buffer.from(body.slice(0, 50)).keys()]]) {
      const opened = open(cut(Buffer.from(body), places), headersFor(5), payloadOf('unsigned-trailer'))
      await t.rejects(opened, { code: 'IncompleteBody' }, JSON.stringify(body.slice(0, 60)))
    }
  }
  const unsigned = Buffer.from('5\r\nhello\r\n0\r\n\r\n')
  await t.rejects(open([unsigned], headersFor(5), payloadOf('signed')), { code: 'IncompleteBody' }, 'unsigned frames')
})

t.test('trailers: what was announced comes, once, well formed, and nothing else', async (t) => {
  const sent = (trailer: string, announced = CRC32, length = 5) =>
    open(
      [Buffer.from(`5\r\nhello\r\n0\r\n${trailer}`)],
      headersFor(length, announced ? [announced] : []),
      payloadOf('unsigned-trailer'),
    )
  for (const good of [
    `${CRC32}:NhCmhg==\r\n\r\n`,
    'X-Amz-Checksum-CRC32: NhCmhg== \r\n\r\n',
    // minio-go ends the line with LF, and the trailer with CRLF.
    `${CRC32}:NhCmhg==\n\r\n\r\n`,
  ]) {
    t.same((await sent(good)).trailers, { [CRC32]: 'NhCmhg==' }, JSON.stringify(good))
  }
  t.same((await sent('\r\n', '')).trailers, {})
  const bad: [string, string][] = [
    ['\r\n', CRC32],
    [`${CRC32}:NhCmhg==\r\n\r\n`, ''],
    [`${CRC32}:NhCmhg==\r\n\r\n`, 'x-amz-checksum-sha1'],
    [`${CRC32}:NhCmhg==\r\n${CRC32}:NhCmhg==\r\n\r\n`, CRC32],
    [`${CRC32}:NhCmhg==\r\nx-amz-meta-a:1\r\n\r\n`, CRC32],
    [`${CRC32}:\r\n\r\n`, CRC32],
    [`${CRC32}\r\n\r\n`, CRC32],
    [`:NhCmhg==\r\n\r\n`, CRC32],
    [`${CRC32}:Nh Cm\r\n\r\n`, CRC32],
    [`${CRC32}:NhCmhg==\n${CRC32}:x\r\n\r\n`, CRC32],
    [`${CRC32}:NhCmhg==\r\nx-amz-trailer-signature:${'0'.repeat(64)}\r\n\r\n`, CRC32],
    [`${CRC32}:${'A'.repeat(300)}\r\n\r\n`, CRC32],
  ]
  for (const [trailer, announced] of bad) {
    await t.rejects(sent(trailer, announced), { code: 'MalformedTrailerError' }, JSON.stringify(trailer))
  }
  for (const announced of ['x-amz-meta-a', 'content-type', `${CRC32},x-amz-checksum-sha1`, 'x-amz-checksum-md4']) {
    await t.rejects(sent('\r\n', announced), { code: 'InvalidRequest' }, announced)
  }
  await t.rejects(open([frame('signed', [a(5)])], headersFor(5, [CRC32]), payloadOf('signed')), {
    code: 'InvalidRequest',
  })
})

t.test('attack: a signed trailer that is changed, dropped or unsigned', async (t) => {
  const headers = headersFor(5, [CRC32])
  const good = frame('signed-trailer', [a(5)], { [CRC32]: 'AAAAAA==' }).toString()
  await t.resolves(open([Buffer.from(good)], headers, payloadOf('signed-trailer')))
  const bad: [string, string][] = [
    [good.replace('AAAAAA==', 'BAAAAA=='), 'SignatureDoesNotMatch'],
    [good.replace(/x-amz-trailer-signature:.*\r\n/, ''), 'MalformedTrailerError'],
    [good.replace(/(x-amz-trailer-signature:).*\r\n/, `$1${'0'.repeat(64)}\r\n`), 'SignatureDoesNotMatch'],
    [good.replace(/x-amz-checksum.*\r\n/, ''), 'MalformedTrailerError'],
    [good.replace(/(x-amz-checksum.*\r\n)(x-amz-trailer.*\r\n)/, '$2$1'), 'MalformedTrailerError'],
  ]
  for (const [body, code] of bad)
    await t.rejects(open([Buffer.from(body)], headers, payloadOf('signed-trailer')), { code })
})

t.test('a frame of 5 GiB streams through uncopied, as one frame', async (t) => {
  const piece = Buffer.alloc(1 << 20)
  const count = 5 * 1024
  const size = count * piece.length
  function* pieces() {
    yield Buffer.from(`${size.toString(16)}\r\n`)
    for (let i = 0; i < count; i++) yield piece
    yield Buffer.from('\r\n0\r\n\r\n')
  }
  const body = openBody(sourceOf(pieces()), { headers: headersFor(size) }, payloadOf('unsigned-trailer'))
  let total = 0
  let isShared = true
  for await (const bytes of body.stream) {
    total += bytes.length
    isShared &&= bytes.buffer === piece.buffer
  }
  t.equal(total, size)
  t.ok(isShared)
})
