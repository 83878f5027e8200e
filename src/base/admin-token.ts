import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/**
 * What proves to an admin port that who asks belongs to the store: gateways and commands that have the sealing key make it;
 * nobody learns the key from it.
 */
export function adminToken(sealingKey: Buffer): string {
  return createHmac('sha256', sealingKey).update('sextant admin port').digest('hex')
}

/** Whether that header carries the token, in a time that does not depend on where they differ. */
export function carriesToken(authorization: string | undefined, token: string): boolean {
  const given = hash('sha256', authorization ?? '', 'buffer')
  return timingSafeEqual(given, hash('sha256', `Bearer ${token}`, 'buffer'))
}
