import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'

/** Whether an endpoint is on this machine, as far as its address tells. */
export async function isHere({ hostname }: URL): Promise<boolean> {
  const found = await lookup(hostname.replace(/^\[(.*)\]$/, '$1'), { all: true }).catch(() => [])
  const ours = new Set(Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)))
  return found.some(({ address }) => /^(127\.|::1$)/.test(address) || ours.has(address))
}
