import { hash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { ByteBudget } from '../../../src/base/byte-budget.ts'
import { ChunkCache } from '../../../src/engine/chunk-cache.ts'
import { FRAME_BYTES } from '../../../src/engine/compression/frame-format.ts'
import type { EngineDeps } from '../../../src/engine/deps.ts'
import type { ContentKey } from '../../../src/engine/encryption/data-keys.ts'
import { readObject } from '../../../src/engine/read-object.ts'
import { type PartDraft, writePart } from '../../../src/engine/write-part.ts'
import { claimsOf, engineOver, foundObject, inPieces, label, patterned } from '../../support/engine.ts'
import { MemoryNodes } from '../../support/memory-nodes.ts'

const STRIPE = 6 * 4096
const forever = new AbortController().signal
const key: ContentKey = { dataKey: Buffer.alloc(32, 7), encryption: { kind: 'AES256', sealedKey: 'c2VhbGVk' } }
const MIB = 1024 * 1024

/** Shrinks to a third or so, and no two places of it are alike. */
function text(sizeBytes: number): Buffer {
  const lines = Array.from(
    { length: Math.ceil(sizeBytes / 32) },
    (_, n) => `line ${n} of a log, request ${(n * 7919) % 65_521}: taken\n`,
  )
  return Buffer.from(lines.join('')).subarray(0, sizeBytes)
}

interface Way {
  content?: ContentKey | undefined
  claims?: Parameters<typeof writePart>[1]['claims']
  pieceBytes?: number
}

async function write(deps: EngineDeps, bytes: Buffer, way: Way = {}): Promise<PartDraft> {
  const { content, claims = claimsOf(bytes.length), pieceBytes = 5000 } = way
  const order = { claims, label, content, compression: deps.compression }
  await using draft = await writePart(deps, order, inPieces(bytes, pieceBytes), forever)
  draft.keep()
  return draft
}

async function read(deps: EngineDeps, { layout }: PartDraft, content?: ContentKey, first = 0, last?: number) {
  const pieces: Buffer[] = []
  const found = { ...foundObject(layout!), dataKey: content?.dataKey }
  const range = { first, last: last ?? found.object.sizeBytes - 1 }
  for await (const piece of readObject(deps, found, range, forever)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** Around frames and stripes. */
const sizes = [1024, 1025, STRIPE - 1, STRIPE, STRIPE + 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1].concat([
  2 * FRAME_BYTES - 1,
  2 * FRAME_BYTES,
  2 * FRAME_BYTES + 1,
  5 * FRAME_BYTES + 4711,
])

t.test('a part that shrinks is stored smaller, and read back whole and in ranges, encrypted too', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const content of [undefined, key]) {
    for (const size of sizes) {
      const bytes = text(size)
      const draft = await write(deps, bytes, { content, pieceBytes: size % 2 ? 5000 : 300_000 })
      t.equal(draft.layout!.plainBytes, size)
      t.ok(draft.layout!.sizeBytes < size / 2, `${size} bytes are stored as ${draft.layout!.sizeBytes}`)
      t.equal(draft.digests.etag, hash('md5', bytes))
      t.ok((await read(deps, draft, content)).equals(bytes), `${size} bytes`)
      await fc.assert(
        fc.asyncProperty(fc.nat(size - 1), fc.nat(size - 1), async (a, b) => {
          const [first, last] = a < b ? [a, b] : [b, a]
          return (await read(deps, draft, content, first, last)).equals(bytes.subarray(first, last + 1))
        }),
        { numRuns: 10 },
      )
    }
  }
})

t.test('ranges that begin and end at the bounds of frames, and beside them', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  const bytes = text(4 * FRAME_BYTES + 100)
  const draft = await write(deps, bytes)
  const bounds = [0, 1, 2, 3, 4].flatMap((n) => [-1, 0, 1].map((by) => n * FRAME_BYTES + by))
  const places = [...bounds, bytes.length - 1].filter((at) => at >= 0)
  for (const first of places) {
    for (const last of places.filter((at) => at >= first)) {
      const got = await read(deps, draft, undefined, first, last)
      if (!got.equals(bytes.subarray(first, last + 1))) t.fail(`${first}-${last}`)
    }
  }
})

t.test('a small range of a large part reads its frame and two entries of the table, no more', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  const bytes = Buffer.concat([text(FRAME_BYTES), patterned(63 * FRAME_BYTES)])
  const draft = await write(deps, bytes)
  nodes.calls.getPayload = 0
  const at = 40 * FRAME_BYTES + 5
  t.ok((await read(deps, draft, undefined, at, at + 9)).equals(bytes.subarray(at, at + 10)))
  t.ok(nodes.calls.getPayload <= FRAME_BYTES / 4096 + 4, `${nodes.calls.getPayload} blocks`)
})

t.test('what does not shrink is stored as if nothing had been asked for', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const size of [1, 1023, 5000, FRAME_BYTES, FRAME_BYTES + 1, 5 * FRAME_BYTES + 4711]) {
    const bytes = randomBytes(size)
    const draft = await write(deps, bytes)
    t.equal(draft.layout!.plainBytes, undefined)
    t.equal(draft.layout!.sizeBytes, size)
    t.equal(draft.digests.etag, hash('md5', bytes))
    t.ok((await read(deps, draft)).equals(bytes), `${size} bytes`)
  }
  const tiny = await write(deps, text(1023))
  t.equal(tiny.layout!.plainBytes, undefined, 'what is too small to gain anything')
})

t.test('of a mixed part, each frame is as it is better; where nothing shrinks, few are tried', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  let tried = 0
  const { zstd } = deps.compression
  deps.compression.zstd = {
    ...zstd,
    compress(bytes, signal) {
      tried += 1
      return zstd.compress(bytes, signal)
    },
  }
  const bytes = Buffer.concat([text(2 * FRAME_BYTES), patterned(100 * FRAME_BYTES), text(70 * FRAME_BYTES)])
  const draft = await write(deps, bytes, { pieceBytes: 65_536 })
  t.ok(tried < 2 + 7 + 70, `${tried} frames tried`)
  t.ok(draft.layout!.sizeBytes < 150 * FRAME_BYTES, `stored as ${draft.layout!.sizeBytes}`)
  t.ok((await read(deps, draft)).equals(bytes))
  const [first, last] = [FRAME_BYTES + 7, 103 * FRAME_BYTES - 1]
  t.ok((await read(deps, draft, undefined, first, last)).equals(bytes.subarray(first, last + 1)))
})

t.test('a body of unknown length, and one that is not as long as it was said to be', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const size of [0, 1, 1500, FRAME_BYTES, 2 * FRAME_BYTES + 5]) {
    const bytes = text(size)
    const claims = { ...claimsOf(20 * FRAME_BYTES), mayBeShorter: true, md5: hash('md5', bytes, 'buffer') }
    const draft = await write(deps, bytes, { claims })
    t.equal(draft.layout?.plainBytes ?? draft.layout?.sizeBytes ?? 0, size)
    if (draft.layout) t.ok((await read(deps, draft)).equals(bytes), `${size} bytes`)
  }
  for (const size of [2000, FRAME_BYTES, 3 * FRAME_BYTES]) {
    for (const said of [size - 1, size + 1, size + FRAME_BYTES]) {
      await t.rejects(write(deps, text(size), { claims: claimsOf(said) }), { code: 'IncompleteBody' })
    }
    await t.rejects(write(deps, text(size), { claims: { ...claimsOf(size), md5: Buffer.alloc(16) } }), {
      code: 'BadDigest',
    })
  }
})

t.test('memory that is used up: parts are stored as they come, and none of it is lost', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  const { writing } = deps.compression
  deps.compression = { ...deps.compression, writing: new ByteBudget(3 * FRAME_BYTES - 1, '') }
  t.equal((await write(deps, text(FRAME_BYTES))).layout!.plainBytes, undefined)
  const small = await write(deps, text(5000))
  t.equal(small.layout!.plainBytes, 5000)
  t.equal(deps.compression.writing.usedBytes, 0)
  deps.compression = { ...deps.compression, writing }
  await t.rejects(write(deps, text(FRAME_BYTES), { claims: claimsOf(5 * FRAME_BYTES) }))
  await t.rejects(
    writePart(deps, { claims: claimsOf(MIB), label, compression: deps.compression }, broken(), forever),
    /the client is gone/,
  )
  t.equal(writing.usedBytes, 0)
})

async function* broken() {
  yield text(200_000)
  throw new Error('the client is gone')
}

t.test(
  'downloads that find no memory left hold a piece of a frame each; one that is broken off gives it back',
  async (t) => {
    const deps = await engineOver(new MemoryNodes(6))
    const reading = new ByteBudget(3 * FRAME_BYTES, '')
    deps.compression = { ...deps.compression, reading }
    const bytes = text(4 * FRAME_BYTES + 5)
    const draft = await write(deps, bytes)
    const range = { first: 0, last: bytes.length - 1 }
    const slow = readObject(deps, foundObject(draft.layout!), range, forever)
    t.ok((await slow.next()).value!.length > FRAME_BYTES / 8)
    t.equal(reading.usedBytes, 3 * FRAME_BYTES)
    t.ok((await read(deps, draft)).equals(bytes))
    const [first, last] = [FRAME_BYTES - 20_000, 3 * FRAME_BYTES + 7]
    t.ok((await read(deps, draft, undefined, first, last)).equals(bytes.subarray(first, last + 1)))
    for await (const piece of readObject(deps, foundObject(draft.layout!), range, forever)) {
      t.ok(piece.length <= FRAME_BYTES / 8)
      break
    }
    await slow.return(undefined)
    t.equal(reading.usedBytes, 0)
  },
)

t.test('what the cache keeps is what is stored', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = { ...(await engineOver(nodes)), chunkCache: new ChunkCache({ bytesMax: 4 * MIB }) }
  const bytes = text(40_000)
  const draft = await write(deps, bytes, { content: key })
  t.equal(draft.bytes!.length, draft.layout!.sizeBytes)
  deps.chunkCache.keepWritten(draft.layout!.partId, draft.bytes!)
  nodes.calls.getPayload = 0
  for (const first of [0, 17]) t.ok((await read(deps, draft, key, first)).equals(bytes.subarray(first)))
  t.equal(nodes.calls.getPayload, 0)
})

t.test('any two chunks lost: exact bytes', async (t) => {
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  const bytes = text(3 * FRAME_BYTES + 5)
  const draft = await write(deps, bytes)
  const { servers } = draft.layout!
  for (const [a, b] of [
    [0, 1],
    [2, 7],
    [4, 5],
  ] as const) {
    const layout = {
      ...draft.layout!,
      servers: servers.map((server, n) => (n === a || n === b ? 0 : server)) as typeof servers,
    }
    t.ok((await read(deps, { ...draft, layout } as PartDraft)).equals(bytes))
  }
})

t.test('a store whose decompression gives other lengths, or whose table lies, serves no wrong byte', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  const bytes = text(4 * FRAME_BYTES)
  const draft = await write(deps, bytes)
  const { zstd } = deps.compression
  deps.compression.zstd = { ...zstd, decompress: (frame, size, signal) => zstd.decompress(frame, size - 1, signal) }
  await t.rejects(read(deps, draft), { code: 'DataUnavailable' })
  deps.compression.zstd = zstd
  t.ok((await read(deps, draft)).equals(bytes))
  for (const by of [-1, 1, FRAME_BYTES]) {
    const layout = { ...draft.layout!, plainBytes: draft.layout!.plainBytes! + by }
    await t.rejects(
      read(deps, { ...draft, layout } as PartDraft, undefined, FRAME_BYTES, layout.plainBytes - 1),
      `${by}`,
    )
  }
})
