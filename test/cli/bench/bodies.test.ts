import { Readable } from 'node:stream'
import { deflateSync } from 'node:zlib'
import t from 'tap'
import { Bodies } from '../../../src/cli/bench/bodies.ts'
import { BodyReader } from '../../../src/cli/s3-client/streams.ts'

const SIZE = 300_001
const bodies = new Bodies(Buffer.alloc(16, 7))
const bodyOf = (key: string, size = SIZE, from = bodies) => Buffer.concat([...from.pieces(key, size)])

/** What is said of a body that comes in pieces of `pieceBytes`. */
async function verdict(body: Buffer, pieceBytes = 65_537): Promise<string> {
  const pieces = Array.from({ length: Math.ceil(body.length / pieceBytes) }, (_, n) =>
    body.subarray(n * pieceBytes, (n + 1) * pieceBytes),
  )
  using reader = new BodyReader(Readable.from(pieces), 'there', () => {})
  return await bodies.check(reader, 'a', SIZE).then(() => 'right', String)
}

t.test('bodies: as long as asked, never the same twice, and nothing makes them smaller', async (t) => {
  for (const size of [1, 15, 128 * 1024, 128 * 1024 + 1, SIZE]) t.equal(bodyOf('a', size).length, size)
  const all = [bodyOf('a'), bodyOf('b'), bodyOf('a', SIZE, new Bodies(Buffer.alloc(16, 8)))]
  // No block of 16 bytes comes twice: neither in a body nor in two of them.
  const blocks = all.flatMap((body) =>
    Array.from({ length: SIZE >> 4 }, (_, n) => body.toString('hex', n * 16, n * 16 + 16)),
  )
  t.equal(new Set(blocks).size, blocks.length)
  t.ok(deflateSync(Buffer.concat(all)).length > 3 * SIZE)
  t.ok(bodyOf('a').equals(all[0]!), 'and the same again for the same key')
})

t.test('bodies: what was put is right however it comes', async (t) => {
  for (const pieceBytes of [1_000, 65_537, 128 * 1024, SIZE]) t.equal(await verdict(bodyOf('a'), pieceBytes), 'right')
})

t.test('bodies: a wrong byte, too few, too many, and those of another key are found', async (t) => {
  for (const at of [0, 65_536, 128 * 1024, SIZE - 1]) {
    const body = bodyOf('a')
    body[at]! ^= 1
    for (const pieceBytes of [65_537, SIZE])
      t.match(await verdict(body, pieceBytes), `a: wrong from byte ${at} on`, `${at} in ${pieceBytes}`)
  }
  t.match(await verdict(bodyOf('a').subarray(0, -1)), `a: ${SIZE - 1} bytes of ${SIZE}`)
  t.match(await verdict(Buffer.alloc(0)), `a: 0 bytes of ${SIZE}`)
  t.match(await verdict(bodyOf('a', SIZE + 1)), `a: more than its ${SIZE} bytes`)
  t.match(await verdict(bodyOf('b')), 'a: wrong from byte 0 on')
})
