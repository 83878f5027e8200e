import t from 'tap'
import { PIECE_BYTES } from '../../src/engine/block-pieces.ts'
import { ReadMemory } from '../../src/engine/read-memory.ts'
import { readPart } from '../../src/engine/read-part.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { StripePool } from '../../src/striping/stripe-pool.ts'
import { claimsOf, engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

const MIB = 1024 * 1024
const BLOCK_BYTES = 32 * 1024
const CLIENTS = 300
const forever = new AbortController().signal

async function withDownloads(bytes: Buffer) {
  const nodes = new MemoryNodes(8)
  const engine = await engineOver(nodes, {}, { blockBytes: BLOCK_BYTES })
  const pool = new StripePool({ bytesMax: 16 * MIB })
  const deps = { ...engine, pool, readMemory: new ReadMemory(pool, engine.clock) }
  await using draft = await writePart(engine, { claims: claimsOf(bytes.length), label }, inPieces(bytes, MIB), forever)
  draft.keep()
  const layout = draft.layout!
  const open = () => readPart(deps, layout, { first: 0, last: bytes.length - 1 }, forever)
  return { pool, open }
}

t.test('hundreds of clients that take nothing hold a quarter of the memory, and a small piece each', async (t) => {
  const { pool, open } = await withDownloads(patterned(2 * MIB))
  const freeBytes = pool.lendableBytes
  const downloads = Array.from({ length: CLIENTS }, open)
  let ownBytes = 0
  let withoutWindow = 0
  for (const pieces of downloads) {
    const lentBytes = pool.lentBytes
    const { value } = (await pieces.next()) as { value: Uint8Array }
    if (pool.lentBytes > lentBytes) continue
    withoutWindow += 1
    ownBytes += value.buffer.byteLength
  }
  t.ok(withoutWindow > CLIENTS / 2)
  t.ok(ownBytes <= withoutWindow * PIECE_BYTES, `${ownBytes} bytes of ${withoutWindow} that have no window`)
  t.ok(pool.lentBytes <= freeBytes / 4, `${pool.lentBytes} bytes of ${freeBytes}`)
  for (const pieces of downloads) await pieces.return(undefined)
  t.equal(pool.lentBytes, 0)
})

t.test('a client that is slow where there is no memory gets the right bytes, its blocks read again', async (t) => {
  const bytes = patterned(2 * MIB + 77)
  const { pool, open } = await withDownloads(bytes)
  using _all = pool.tryLend(8 * MIB)!
  const others = Array.from({ length: 100 }, open)
  for (const pieces of others) await pieces.next()
  const got: Buffer[] = []
  for await (const piece of open()) {
    got.push(Buffer.from(piece))
    if (got.length < 12) await new Promise((resolve) => setTimeout(resolve, 8))
  }
  t.ok(got[0]!.length <= PIECE_BYTES)
  t.ok(Buffer.concat(got).equals(bytes))
  for (const pieces of others) await pieces.return(undefined)
})
