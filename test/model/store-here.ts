import { createEngine } from '../../src/engine/create-engine.ts'
import { live, openMeta } from '../meta/fixture.ts'
import { engineOver } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'
import { startS3 } from '../support/s3-server.ts'
import type { OwnedStore } from './owner.ts'

const NODES = 6

export interface StoreHere extends AsyncDisposable {
  target: OwnedStore
}

/** A gateway in this process, with its metadata in PostgreSQL and its chunks in memory. */
export async function openStoreHere(): Promise<StoreHere> {
  await using opened = new AsyncDisposableStack()
  const { meta } = opened.use(await openMeta())
  const engine = createEngine(await engineOver(new MemoryNodes(NODES), meta.catalogue))
  const s3 = opened.use(await startS3({ engine }))
  await meta.accounts.ensureRoot(s3.key, live)
  const owned = opened.move()
  return {
    target: { endpoint: new URL(s3.endpoint), region: 'us-east-1', owner: s3.key },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
