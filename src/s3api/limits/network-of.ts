/** The /64 of an IPv6 address, as its first four groups; an IPv4 address as it is. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [left = '', right] = address.split('::')
  const groups = left === '' ? [] : left.split(':')
  const behind = right ? right.split(':') : []
  // An IPv4 address at the end stands for two groups.
  const behindCount = behind.length + (behind.at(-1)?.includes('.') ? 1 : 0)
  const zeros = right === undefined ? 0 : Math.max(0, 8 - groups.length - behindCount)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...behind]
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')
}
