import type { TlsIdentity } from './identity.ts'

/**
 * How gateways and storage nodes know each other: by certificates of the cluster's CA, or by a token that all of them
 * hold. `staysHere`: the token is shown on this host alone, where nobody can listen in.
 */
export type ClusterCredentials = { identity: TlsIdentity } | { token: string; staysHere?: boolean }

/** `127.0.0.0/8`, `::1`, `localhost`, with or without brackets. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(bare)
}
