import type { PartId } from '../../base/ids.ts'
import type { ByteStream } from '../engine.ts'
import type { ContentKey } from './data-keys.ts'
import { PartCipher } from './part-cipher.ts'

/** Encrypts a part's body as it comes; as long as that. */
export async function* encryptBody({ dataKey }: ContentKey, partId: PartId, body: ByteStream): ByteStream {
  const cipher = new PartCipher(dataKey, partId, 0)
  for await (const bytes of body) yield* cipher.apply(bytes)
}
