import type { ServerId } from '../base/ids.ts'

/** What this version writes; it reads this and older ones. */
export const DISK_FORMAT = 1
export const IDENTITY_BYTES_MAX = 64 * 1024
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** What a directory's node.json says: whose it is, or why that cannot be told. */
export type Identity =
  | { kind: 'known'; serverId: ServerId }
  | { kind: 'newer'; diskFormat: number }
  | { kind: 'damaged' }

export function parseIdentity(text: string): Identity {
  const { serverId, diskFormat } = parseJson(text)
  if (typeof diskFormat === 'number' && diskFormat > DISK_FORMAT) return { kind: 'newer', diskFormat }
  const isKnown = typeof serverId === 'string' && UUID.test(serverId) && diskFormat === DISK_FORMAT
  return isKnown ? { kind: 'known', serverId: serverId as ServerId } : { kind: 'damaged' }
}

export function formatIdentity(serverId: ServerId): string {
  return `${JSON.stringify({ serverId, diskFormat: DISK_FORMAT })}\n`
}

function parseJson(text: string): { serverId?: unknown; diskFormat?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
