import { hash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { ChunkCache } from '../../../src/engine/chunk-cache.ts'
import type { EngineDeps } from '../../../src/engine/deps.ts'
import type { ContentKey } from '../../../src/engine/encryption/data-keys.ts'
import { readObject } from '../../../src/engine/read-object.ts'
import { type PartDraft, writePart } from '../../../src/engine/write-part.ts'
import { claimsOf, engineOver, foundObject, inPieces, label, patterned } from '../../support/engine.ts'
import { MemoryNodes } from '../../support/memory-nodes.ts'

const BLOCK = 4096
const STRIPE = 6 * BLOCK
const forever = new AbortController().signal
const MARK = Buffer.from('a plaintext that is easy to find again')

function content(kind: ContentKey['encryption']['kind'] = 'AES256'): ContentKey {
  return { dataKey: Buffer.alloc(32, 7), encryption: { kind, sealedKey: 'c2VhbGVk' } }
}

async function write(
  deps: EngineDeps,
  bytes: Buffer,
  key: ContentKey | undefined,
  claims = claimsOf(bytes.length),
): Promise<PartDraft> {
  await using draft = await writePart(deps, { claims, label, content: key }, inPieces(bytes, 5000), forever)
  draft.keep()
  return draft
}

async function read(deps: EngineDeps, { layout }: PartDraft, key: ContentKey | undefined, first = 0, last?: number) {
  const pieces: Buffer[] = []
  const range = { first, last: last ?? layout!.sizeBytes - 1 }
  const found = { ...foundObject(layout!), dataKey: key?.dataKey }
  for await (const piece of readObject(deps, found, range, forever)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** All that nodes have of all parts. */
function lies(nodes: MemoryNodes, what: Buffer): boolean {
  return [...nodes.stored.values()].some((chunks) => [...chunks.values()].some((payload) => payload.includes(what)))
}

t.test('an encrypted part of any size is read back, whole and in ranges', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const size of [1, 15, 16, 17, BLOCK, STRIPE - 1, STRIPE, STRIPE + 1, 5 * STRIPE + 4711]) {
    const bytes = patterned(size)
    const draft = await write(deps, bytes, content())
    t.ok((await read(deps, draft, content())).equals(bytes), `${size} bytes`)
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(size - 1), async (a, b) => {
        const [first, last] = a < b ? [a, b] : [b, a]
        return (await read(deps, draft, content(), first, last)).equals(bytes.subarray(first, last + 1))
      }),
      { numRuns: 20 },
    )
  }
})

t.test('nodes have the plaintext of what is not encrypted, and nothing of what is', async (t) => {
  for (const [key, isThere] of [
    [undefined, true],
    [content(), false],
  ] as const) {
    const nodes = new MemoryNodes(6)
    await write(await engineOver(nodes), Buffer.concat([MARK, Buffer.alloc(3 * STRIPE)]), key)
    t.equal(lies(nodes, MARK), isThere)
  }
})

t.test('digests are those of what the client sent; only under the store’s own key the ETag is the MD5', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const bytes of [patterned(3 * STRIPE + 5), Buffer.alloc(0)]) {
    const md5 = hash('md5', bytes, 'buffer')
    const crc = { algorithm: 'SHA256', expected: () => hash('sha256', bytes, 'base64') } as const
    const claims = { ...claimsOf(bytes.length), md5, checksum: crc }
    for (const kind of ['AES256', 'aws:kms', 'customer'] as const) {
      const { digests } = await write(deps, bytes, content(kind), claims)
      t.match(digests.etag, /^[0-9a-f]{32}$/)
      t.equal(digests.etag === md5.toString('hex'), kind === 'AES256', kind)
      t.equal(digests.checksum, crc.expected())
      const bent = { ...claims, md5: hash('md5', 'another', 'buffer') }
      await t.rejects(write(deps, bytes, content(kind), bent), { code: 'BadDigest' }, `${kind}: Content-MD5`)
    }
  }
})

t.test('chunks that are lost are rebuilt of the others', async (t) => {
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  const bytes = patterned(2 * STRIPE + 99)
  const draft = await write(deps, bytes, content())
  const servers = draft.layout!.servers.with(0, 0 as never).with(4, 0 as never)
  const without = { ...draft, layout: { ...draft.layout!, servers } } as PartDraft
  t.ok((await read(deps, without, content())).equals(bytes))
})

t.test('the cache has what the nodes have: another key reads nothing of it, and reading changes nothing', async (t) => {
  const deps = { ...(await engineOver(new MemoryNodes(6))), chunkCache: new ChunkCache({ bytesMax: 4 << 20 }) }
  const bytes = Buffer.concat([MARK, patterned(3 * BLOCK)])
  const draft = await write(deps, bytes, content())
  for (const way of ['from the nodes', 'kept when read', 'kept', 'kept']) {
    t.ok((await read(deps, draft, content())).equals(bytes), way)
    t.notOk(deps.chunkCache.get(draft.layout!.partId)?.includes(MARK), `${way}: encrypted`)
  }
  t.ok(deps.chunkCache.get(draft.layout!.partId), 'it is kept')
  const wrong = { ...content(), dataKey: Buffer.alloc(32, 8) }
  t.notOk((await read(deps, draft, wrong)).includes(MARK))
  t.ok((await read(deps, draft, content(), 10, 40)).equals(bytes.subarray(10, 41)), 'a range of what is kept')
  t.ok(draft.bytes && !draft.bytes.includes(MARK), 'what a PUT keeps is encrypted')
})
