import { BlockList, isIP } from 'node:net'

/** Addresses and blocks of them (CIDR), IPv4 and IPv6. */
export interface AddressList {
  /** Undefined, an address that is not known, is in none. */
  contains(address: string | undefined): boolean
}

/**
 * `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`; an IPv4 address in IPv6's clothes (`::ffff:10.0.0.0/104`, RFC 4291, 2.5.5.2) is
 * that IPv4 address. Undefined: one of them is none.
 */
export function parseAddressList(texts: readonly string[]): AddressList | undefined {
  // One for each family: Node has IPv4 addresses in ::/64 too, as ::ffff:a.b.c.d.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of texts) {
    const block = parseBlock(text)
    if (block === undefined) return undefined
    lists[block.family].addSubnet(block.address, block.prefix, block.family)
  }
  return {
    contains(given) {
      const address = given === undefined ? undefined : plainAddress(given)
      if (address === undefined) return false
      const family = familyOf(address)
      return lists[family].check(address, family)
    },
  }
}

/** An IPv4 address as such, where it is given as a socket that listens on IPv6 shows it; without a zone. Undefined: no address. */
export function plainAddress(text: string): string | undefined {
  const [address] = text.split('%', 1) as [string]
  if (isIP(address) === 0) return undefined
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  return mapped !== undefined && isIP(mapped) === 4 ? mapped : address
}

function parseBlock(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [, given, bits] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const address = given && plainAddress(given)
  if (!given || !address) return undefined
  const family = familyOf(address)
  const [bitsGiven, bitsMax] = [BITS[familyOf(given)], BITS[family]]
  const prefix = (bits === undefined ? bitsGiven : Number(bits)) - (bitsGiven - bitsMax)
  if (prefix < 0 || prefix > bitsMax) return undefined
  return { address, prefix, family }
}

const BITS = { ipv4: 32, ipv6: 128 }

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
