import t from 'tap'
import { StoreFault } from '../../src/base/faults.ts'
import { commitDraft } from '../../src/engine/commit-draft.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { claimsOf, engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

/** Chunks that are left when a commit ends so. */
async function chunksLeft(commit: () => Promise<string>): Promise<number> {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  const bytes = patterned(1000)
  const order = { claims: claimsOf(bytes.length), label }
  {
    await using draft = await writePart(deps, order, inPieces(bytes, 500), new AbortController().signal)
    await commitDraft(draft, commit).catch(() => {})
  }
  return nodes.chunkCount()
}

const failing = (error: unknown) => async () => {
  throw error
}

t.test('commitDraft: chunks stay when the commit happened, or may have', async (t) => {
  t.equal(await chunksLeft(async () => 'committed'), 8)
  const lost = new StoreFault('ServiceUnavailable', { reason: 'the connection was lost', outcomeUnknown: true })
  t.equal(await chunksLeft(failing(lost)), 8, 'an answer that was lost')
  t.equal(await chunksLeft(failing(new Error('a mistake of our own'))), 8, 'an error that nobody knows')
})

t.test('commitDraft: chunks go when the commit was refused, or never asked for', async (t) => {
  const refused = new StoreFault('PreconditionFailed', { condition: 'If-Match' })
  t.equal(await chunksLeft(failing(refused)), 0, 'a condition')
  const over = new StoreFault('ServiceUnavailable', { reason: 'the session of this gateway is over' })
  t.equal(await chunksLeft(failing(over)), 0, 'a session that is over: whoever sweeps it may have been there already')
  t.equal(await chunksLeft(failing(new StoreFault('SlowDown', { reason: 'too many calls' }))), 0, 'never sent')
})
