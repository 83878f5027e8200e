import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type AddressList, plainAddress } from '../../base/address-list.ts'

/** Whoever holds the other end of a connection. */
export type Peer = Pick<Socket, 'remoteAddress'>

/**
 * Where a request comes from, for aws:SourceIp and whatever else asks: the one place that says it. It is the socket's other
 * end, for what X-Forwarded-For says anybody could have written; only if that is a trusted proxy, it is whom that proxy names,
 * and so on through trusted ones, from the last one named. Undefined: a trusted proxy named nobody that can be told.
 */
export function clientAddress(
  peer: Peer,
  forwardedFor: string | undefined,
  trusted: AddressList | undefined,
): string | undefined {
  let address = peerAddress(peer)
  if (trusted === undefined || !forwardedFor?.trim()) return address
  const hops = forwardedFor.split(',')
  while (hops.length > 0 && trusted.contains(address)) address = hopAddress(hops.pop()!.trim())
  return address
}

export function peerAddress({ remoteAddress }: Peer): string | undefined {
  // For every request: a plain IPv4 address is what it is.
  if (!remoteAddress?.includes(':')) return remoteAddress
  return plainAddress(remoteAddress) ?? remoteAddress
}

/** Some proxies name the port too: `192.0.2.7:5678`, `[2001:db8::1]:5678`. */
function hopAddress(hop: string): string | undefined {
  const [, inBrackets, v4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+)(?::\d+)?)$/.exec(hop) ?? []
  return plainAddress(inBrackets ?? v4 ?? hop)
}

/**
 * Whether the client's own connection is TLS: the one place that says it. A trusted proxy's X-Forwarded-Proto says it, one
 * way or the other; of several values, by proxies behind one another, all must be `https`.
 */
export function isClientTls(peer: Peer, forwardedProto: string | undefined, trusted: AddressList | undefined): boolean {
  if (trusted === undefined || !forwardedProto?.trim() || !trusted.contains(peerAddress(peer))) return hasTls(peer)
  return forwardedProto.split(',').every((each) => each.trim().toLowerCase() === 'https')
}

function hasTls(peer: Peer): boolean {
  return 'encrypted' in peer
}

/** Of this connection: `1.3`. Undefined: no TLS, or a proxy's, which says nothing of the client's. */
export function tlsVersion(peer: Peer): string | undefined {
  return peer instanceof TLSSocket ? peer.getProtocol()?.replace('TLSv', '') : undefined
}
