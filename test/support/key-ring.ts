import type { ObjectExtras } from '../../src/base/model.ts'
import { systemRandom } from '../../src/base/system.ts'
import { type EncryptionWish, makeContentKey, withEncryption } from '../../src/engine/encryption/data-keys.ts'
import { createKeyRing, type KeyRing, type NamedKey } from '../../src/engine/encryption/key-ring.ts'

/** Keys for data keys, the same in every test; `photos` is one for SSE-KMS. */
export function testKeyRing(kmsKeys: readonly NamedKey[] = [{ name: 'photos', key: Buffer.alloc(32, 2) }]): KeyRing {
  const generations = { currentGeneration: async () => 1 }
  return createKeyRing({ sealingKey: Buffer.alloc(32, 1), kmsKeys, generations, clock: { nowMs: () => 0 } })
}

export const sealing = { keys: testKeyRing(), random: systemRandom }

/** What is kept of an object; its bytes stay as they are. */
export async function sealed(
  { extras, encryption }: { extras?: ObjectExtras | undefined; encryption?: EncryptionWish | undefined },
  signal: AbortSignal,
): Promise<{ extras: ObjectExtras }> {
  return { extras: withEncryption(extras, encryption && (await makeContentKey(sealing, encryption, signal))) ?? {} }
}
