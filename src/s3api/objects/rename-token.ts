import { createHash } from 'node:crypto'
import type { RenameToken } from '../../engine/ports/renames.ts'
import type { Identity } from '../auth/authenticate.ts'
import { headerOr, invalid } from '../fields.ts'

const TOKEN = 'x-amz-client-token'

/** By which a client asks for the same again: S3's SDKs make one for each call. Fault: InvalidArgument. */
export const clientToken = headerOr(
  TOKEN,
  (text) => {
    if (!/^[!-~]{1,64}$/.test(text)) throw invalid(TOKEN, text, 'Invalid client token')
    return text
  },
  undefined,
)

/** Another caller, or other inputs, and it is not the same request. */
export function renameToken(name: string, identity: Identity, inputs: unknown): RenameToken {
  const caller = identity.kind === 'account' ? identity.accessKey.account.id : ''
  const request = createHash('sha256')
    .update(JSON.stringify([caller, inputs]))
    .digest('base64')
  return { name, request }
}
