import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { ServerNumber } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { openBlockSource } from '../../src/engine/block-source.ts'
import type { ChunkStore } from '../../src/engine/ports/chunk-store.ts'
import { payloadBytes, stripeCount } from '../../src/striping/layout.ts'
import { live, newPartId } from '../meta/fixture.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024
const layout = {
  partId: newPartId(),
  sizeBytes: 24 * MIB,
  blockBytes: 128 * 1024,
  parityChunks: 2,
  servers: [1, 2, 3, 4, 5, 6, 7, 8] as ServerNumber[],
  chunkHashes: Buffer.alloc(0),
}

t.test('a stream whose last block was taken is read to its end, where it lets go of what it holds', async (t) => {
  let isOver = false
  async function* streamPayload() {
    try {
      for (let left = payloadBytes(layout); left > 0; left -= MIB) yield randomBytes(Math.min(left, MIB))
    } finally {
      isOver = true
    }
  }
  const deps = {
    chunks: { streamPayload } as unknown as ChunkStore,
    damage: { reportDamage() {} },
    log: silentLog,
    settings: { messageChunkBytesMax: MIB },
  }
  const stripes = stripeCount(layout)
  const source = openBlockSource(deps, layout, { index: 0, seed: 0, firstStripe: 0, lastStripe: stripes - 1 }, live)
  for (let stripe = 0; stripe < stripes; stripe++) {
    t.notOk(isOver, `before block ${stripe}`)
    await source.block(stripe)
  }
  await until(() => isOver)
})
