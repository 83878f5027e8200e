import { startS3 } from '../support/s3-server.ts'
import type { StoreUnderTest } from '../support/store.ts'
import type { Target } from './field.ts'
import { fuzzedStore } from './fuzzed-store.ts'

/**
 * `whole`: against a whole store, at full length. Else against a gateway in this process over a store in memory, at a
 * hundredth of it: enough to see that the tests work.
 */
export const isWhole = process.env.SEXTANT_TEST_STORE === 'whole'

export interface OpenTarget extends AsyncDisposable {
  target: Target
  /** Where it is whole. */
  store: StoreUnderTest | undefined
}

export async function openTarget(): Promise<OpenTarget> {
  if (isWhole) return await fuzzedStore()
  const s3 = await startS3()
  return {
    target: { endpoint: new URL(s3.endpoint), region: 'us-east-1', owner: s3.key, stranger: s3.otherKey },
    store: undefined,
    [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose](),
  }
}
