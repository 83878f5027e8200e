import fc from 'fast-check'
import t from 'tap'
import { type DataPiece, FrameReader, type WholeFrame } from '../../../src/base/rpc/frame-reader.ts'
import { pingFrame, windowUpdateFrame, writeFrameHeader } from '../../../src/base/rpc/frame-writer.ts'
import { Flag, FrameType, H2Error } from '../../../src/base/rpc/h2-codes.ts'

interface Seen {
  data: { streamId: number; bytes: string; paddingBytes: number; ends: boolean }[]
  frames: { type: number; streamId: number; payload: string }[]
}

function dataFrame(streamId: number, payload: Buffer, flags = 0): Buffer {
  const frame = Buffer.alloc(9 + payload.length)
  payload.copy(frame, writeFrameHeader(frame, 0, { length: payload.length, type: FrameType.data, flags, streamId }))
  return frame
}

function read(pieces: Iterable<Buffer>): Seen {
  const seen: Seen = { data: [], frames: [] }
  const reader = new FrameReader(
    {
      onData({ streamId, bytes, paddingBytes, endsStream }: DataPiece) {
        const last = seen.data.at(-1)
        // Pieces of one frame are joined again, so that cuts do not show.
        if (last && last.streamId === streamId && !last.ends) {
          last.bytes += bytes.toString('hex')
          last.paddingBytes += paddingBytes
          last.ends = endsStream
        } else seen.data.push({ streamId, bytes: bytes.toString('hex'), paddingBytes, ends: endsStream })
      },
      onFrame({ type, streamId, payload }: WholeFrame) {
        seen.frames.push({ type, streamId, payload: payload.toString('hex') })
      },
    },
    { dataBytesMax: 1000, otherBytesMax: 100 },
  )
  for (const piece of pieces) reader.push(piece)
  return seen
}

const end = Flag.endStream
const padded = Buffer.concat([Buffer.from([3]), Buffer.from('hello'), Buffer.alloc(3)])
const wire = Buffer.concat([
  pingFrame(Buffer.from('12345678'), false),
  dataFrame(1, Buffer.from('some bytes of a message'), end),
  dataFrame(3, Buffer.alloc(0), end),
  windowUpdateFrame(5, 77),
  dataFrame(7, padded, Flag.padded | end),
  dataFrame(9, Buffer.alloc(900, 'x'), end),
])
const expected: Seen = {
  data: [
    { streamId: 1, bytes: Buffer.from('some bytes of a message').toString('hex'), paddingBytes: 0, ends: true },
    { streamId: 3, bytes: '', paddingBytes: 0, ends: true },
    { streamId: 7, bytes: Buffer.from('hello').toString('hex'), paddingBytes: 4, ends: true },
    { streamId: 9, bytes: '78'.repeat(900), paddingBytes: 0, ends: true },
  ],
  frames: [
    { type: FrameType.ping, streamId: 0, payload: Buffer.from('12345678').toString('hex') },
    { type: FrameType.windowUpdate, streamId: 5, payload: '0000004d' },
  ],
}

t.test('frames are the same however the bytes are cut', async (t) => {
  t.same(read([wire]), expected)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), (sizes) => {
      const pieces: Buffer[] = []
      for (let at = 0, i = 0; at < wire.length; at += sizes[i % sizes.length]!, i++) {
        pieces.push(wire.subarray(at, at + sizes[i % sizes.length]!))
      }
      t.same(read(pieces), expected)
    }),
    { numRuns: 100 },
  )
})

t.test('a frame that is too long, or padded beyond its end, is refused', async (t) => {
  t.throws(() => read([dataFrame(1, Buffer.alloc(1001))]), H2Error)
  t.throws(() => read([dataFrame(0, Buffer.alloc(1))]), H2Error)
  t.throws(() => read([dataFrame(1, Buffer.from([5, 1, 2]), Flag.padded)]), H2Error)
  t.throws(() => read([dataFrame(1, Buffer.alloc(0), Flag.padded)]), H2Error)
  const long = Buffer.alloc(9)
  writeFrameHeader(long, 0, { length: 101, type: FrameType.headers, flags: 0, streamId: 1 })
  t.throws(() => read([long]), H2Error)
})
