import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  batchRequestMessage,
  batchResponseMessage,
  OutgoingCall,
  readBatchRequest,
  readBatchResponse,
} from '../../src/base/wire/batch-messages.ts'
import { placeMessage, readPlace } from '../../src/base/wire/chunk-place.ts'
import { WireError } from '../../src/base/wire/protobuf.ts'
import {
  getPayloadMessage,
  putHeaderMessage,
  putPayloadMessage,
  putTrailerMessage,
  readGetPayload,
  readPutFrame,
} from '../../src/base/wire/stream-messages.ts'
import {
  BatchRequest,
  BatchResponse,
  ChunkPlace,
  type ChunkStatus,
  GetChunkResponse,
  PutChunkRequest,
} from '../../src/gen/sextant/chunk/v1/chunk.ts'

/** Some are long enough not to be copied. */
const bytes = (maxLength = 300) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const uint32 = fc.oneof(fc.constant(0), fc.nat(), fc.integer({ min: 0, max: 0xffff_ffff }))
const uint53 = fc.oneof(uint32, fc.maxSafeNat())
const pieces = fc.array(fc.oneof(bytes(), bytes(5000)), { maxLength: 5 })
const header = fc.record({
  chunkId: bytes(20),
  dataChunks: uint32,
  parityChunks: uint32,
  blockBytes: uint32,
  label: bytes(),
})
const trailer = fc.record({ partBytes: uint53, chunkHash: bytes(40), seal: bytes() })
const range = fc.record({ chunkId: bytes(20), offset: uint53, length: uint53 })
const traceparent = fc.option(fc.constant(`00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`), { nil: undefined })
const call = fc.oneof(
  fc.record({ callId: uint32, put: fc.record({ header, trailer, pieces }), traceparent }),
  fc.record({ callId: uint32, get: range, traceparent }),
  fc.record({ callId: uint32, get: range.map((value) => ({ ...value, where: true })), traceparent }),
)
const reply = fc.record({
  callId: uint32,
  status: fc.integer({ min: 0, max: 5 }),
  payload: bytes(),
  message: fc.string({ unit: 'grapheme' }),
})

const joined = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces)

const plain = (value: unknown) => JSON.stringify(value)

t.test('stream messages: our bytes are those of the generated code, and are read by it and by us', async () => {
  fc.assert(
    fc.property(header, trailer, pieces, (header, trailer, pieces) => {
      const payload = Buffer.concat(pieces)
      const theirs = (frame: PutChunkRequest['frame']) => Buffer.from(PutChunkRequest.encode({ frame }).finish())
      const cases = [
        [putHeaderMessage(header), theirs({ $case: 'header', value: header }), { kind: 'header', header }],
        [putPayloadMessage(pieces), theirs({ $case: 'payload', value: payload }), { kind: 'payload', payload }],
        [putTrailerMessage(trailer), theirs({ $case: 'trailer', value: trailer }), { kind: 'trailer', trailer }],
      ] as const
      for (const [message, expected, frame] of cases) {
        const ours = joined(message)
        assert.ok(ours.equals(expected))
        assert.equal(plain(readPutFrame(expected)), plain(frame))
      }
      assert.ok(GetChunkResponse.decode(joined(getPayloadMessage(payload))).payload.equals(payload))
      assert.ok(readGetPayload(Buffer.from(GetChunkResponse.encode({ payload }).finish())).equals(payload))
    }),
  )
})

t.test('batch messages: our bytes are those of the generated code, and are read by it and by us', async () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 6 }), fc.array(reply, { maxLength: 6 }), (calls, replies) => {
      const theirs = BatchRequest.encode({
        calls: calls.map((each) => {
          const { callId, traceparent } = each
          if (!('put' in each))
            return { callId, call: { $case: 'get', value: { where: false, ...each.get } }, traceparent }
          const { pieces, ...put } = each.put
          return { callId, call: { $case: 'put', value: { ...put, payload: Buffer.concat(pieces) } }, traceparent }
        }),
      }).finish()
      const ours = joined(
        batchRequestMessage(calls.map((each) => new OutgoingCall(each.callId, each, each.traceparent))),
      )
      assert.ok(ours.equals(theirs))
      const expected = calls.map((each) => {
        const { callId, traceparent } = each
        if (!('put' in each)) return { callId, get: each.get, traceparent }
        const { header, trailer, pieces } = each.put
        return { callId, put: { header, trailer, payload: Buffer.concat(pieces) }, traceparent }
      })
      assert.equal(plain(readBatchRequest(ours, 6)), plain(expected))

      const answers = joined(batchResponseMessage(replies))
      const typed = replies.map((each) => ({ ...each, status: each.status as ChunkStatus }))
      assert.ok(answers.equals(BatchResponse.encode({ replies: typed }).finish()))
      assert.equal(plain(readBatchResponse(answers)), plain(replies))
    }),
  )
})

t.test('places: our bytes are those of the generated code, and are read by it and by us', async () => {
  fc.assert(
    fc.property(fc.record({ segment: uint32, offset: uint53 }), (place) => {
      const ours = placeMessage(place)
      assert.ok(ours.equals(ChunkPlace.encode(place).finish()))
      assert.equal(plain(readPlace(ours)), plain(place))
    }),
  )
})

t.test('reading: payload is a view of what was received, not a copy', async (t) => {
  const received = joined(putPayloadMessage([Buffer.from('payload')]))
  const frame = readPutFrame(received)
  t.equal(frame.kind === 'payload' && frame.payload.buffer, received.buffer)
})

t.test('reading: fields that are not known are passed over', async (t) => {
  const unknown = Buffer.from([
    0x98, 0x06, 0x96, 0x01, 0xa2, 0x06, 0x01, 0x55, 0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xb5, 0x06, 1, 2, 3, 4,
  ])
  const payload = joined(getPayloadMessage(Buffer.from('x')))
  t.equal(readGetPayload(Buffer.concat([unknown, payload, unknown])).toString(), 'x')
  t.equal(readPutFrame(unknown).kind, 'none')
})

t.test('reading: whatever comes is read or refused, never read beyond its end', async (t) => {
  const valid = fc
    .array(call, { maxLength: 3 })
    .map((calls) => joined(batchRequestMessage(calls.map((each) => new OutgoingCall(each.callId, each)))))
  const damaged = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([good, changes, end]) => {
      for (const [at, value] of changes) if (good.length > 0) good[at % good.length] = value
      return good.subarray(0, good.length - (end % (good.length + 1)))
    })
  const readers = [(b: Buffer) => readBatchRequest(b, 100), readBatchResponse, readPutFrame, readGetPayload]
  fc.assert(
    fc.property(fc.oneof(bytes(), damaged), (input) => {
      for (const read of readers) {
        try {
          read(input)
        } catch (error) {
          if (!(error instanceof WireError)) throw error
        }
      }
    }),
    { numRuns: 500 },
  )
  t.throws(() => readBatchRequest(Buffer.from([0x0a, 0x7f]), 1), WireError)
  const three = [1, 2, 3].map(
    (id) => new OutgoingCall(id, { get: { chunkId: Buffer.alloc(17), offset: 0, length: 1 } }),
  )
  t.throws(() => readBatchRequest(joined(batchRequestMessage(three)), 2), WireError)
})

t.test('a call that is withdrawn before its message is gathered is left out', async (t) => {
  const fields = {
    header: { chunkId: Buffer.alloc(17), dataChunks: 6, parityChunks: 2, blockBytes: 1, label: Buffer.alloc(0) },
    trailer: { partBytes: 1, chunkHash: Buffer.alloc(32), seal: Buffer.alloc(0) },
  }
  const calls = [1, 2].map((id) => new OutgoingCall(id, { put: { ...fields, pieces: [Buffer.from('payload')] } }))
  calls[0]!.withdraw()
  t.same(
    readBatchRequest(joined(batchRequestMessage(calls)), 2).map(({ callId }) => callId),
    [2],
  )
})

t.test('gathering: payload of some size goes along as it is, what is small is copied into one piece', async (t) => {
  const fields = {
    header: { chunkId: Buffer.alloc(17), dataChunks: 6, parityChunks: 2, blockBytes: 1, label: Buffer.alloc(0) },
    trailer: { partBytes: 1, chunkHash: Buffer.alloc(32), seal: Buffer.alloc(0) },
  }
  const large = Buffer.alloc(5000, 'x')
  const put = (id: number, pieces: Buffer[]) => new OutgoingCall(id, { put: { ...fields, pieces } })
  t.equal(batchRequestMessage([put(1, [Buffer.from('a')]), put(2, [Buffer.from('b')])]).length, 1)
  const pieces = batchRequestMessage([put(1, [Buffer.from('a'), large]), put(2, [large, Buffer.from('b')])])
  t.same(
    pieces.map((piece) => piece === large),
    [false, true, false, true, false],
  )
})
