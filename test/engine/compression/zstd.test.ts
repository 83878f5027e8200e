import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { FRAME_BYTES } from '../../../src/engine/compression/frame-format.ts'
import { createZstd } from '../../../src/engine/compression/zstd.ts'
import { patterned } from '../../support/engine.ts'

const forever = new AbortController().signal
const text = Buffer.alloc(FRAME_BYTES, 'so much text, again and again. ')

t.test('every frame stands by itself, in whatever order frames are made and read', async (t) => {
  const zstd = createZstd()
  const plain = [text, patterned(FRAME_BYTES), Buffer.from('x'), text.subarray(0, 4711), patterned(77), text]
  const frames = await Promise.all(plain.map(async (bytes) => Buffer.concat(await zstd.compress(bytes, forever))))
  for (const [n, frame] of frames.entries()) t.ok(zstdDecompressSync(frame).equals(plain[n]!), `frame ${n}`)
  const back = await Promise.all(
    [...frames.entries()].reverse().map(async ([n, frame]) => ({
      n,
      bytes: Buffer.concat(await zstd.decompress(frame, plain[n]!.length, forever)),
    })),
  )
  for (const { n, bytes } of back) t.ok(bytes.equals(plain[n]!), `frame ${n}, read back`)
})

t.test('a frame that is not as it was made is refused, and the next ones are read', async (t) => {
  const zstd = createZstd()
  const frame = Buffer.concat(await zstd.compress(text, forever))
  const small = { params: { [constants.ZSTD_c_windowLog]: 17 } }
  const bad: Record<string, [Buffer, number]> = {
    'cut short': [frame.subarray(0, -8), text.length],
    'followed by something': [Buffer.concat([frame, Buffer.from('more')]), text.length],
    'followed by another one': [Buffer.concat([frame, frame]), text.length],
    'longer than was said': [frame, text.length - 1],
    'shorter than was said': [frame, text.length + 1],
    'no frame': [patterned(1000), text.length],
    nothing: [Buffer.alloc(0), 1],
    'a bomb': [zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)), text.length],
    'a bomb of a small window': [zstdCompressSync(Buffer.alloc(64 * 1024 * 1024), small), text.length],
  }
  for (const [what, [bytes, plainBytes]] of Object.entries(bad)) {
    await t.rejects(zstd.decompress(bytes, plainBytes, forever), what)
    t.ok(Buffer.concat(await zstd.decompress(frame, text.length, forever)).equals(text), `behind one that is ${what}`)
  }
})

t.test('any bit flipped: an error, or what it was', async (t) => {
  const zstd = createZstd()
  const bytes = Buffer.concat([text.subarray(0, 200), patterned(300)])
  const frame = Buffer.concat(await zstd.compress(bytes, forever))
  for (let at = 0; at < frame.length; at++) {
    const flipped = Buffer.from(frame)
    flipped[at]! ^= 1 << (at % 8)
    const got = await zstd.decompress(flipped, bytes.length, forever).then(Buffer.concat, () => bytes)
    if (!got.equals(bytes)) t.fail(`byte ${at}`)
  }
})

t.test('one that was cut short behind its last byte does not spoil the next', async (t) => {
  const zstd = createZstd()
  const frame = Buffer.concat(await zstd.compress(text, forever))
  const cut = await zstd.decompress(frame.subarray(0, -1), text.length, forever).then(Buffer.concat, () => text)
  t.ok(cut.equals(text))
  t.ok(Buffer.concat(await zstd.decompress(frame, text.length, forever)).equals(text))
})
