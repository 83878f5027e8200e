/** Headers of the PROXY protocol, as a proxy makes them. */
export function lineHeader({
  from,
  to = '198.51.100.1',
  family = 'TCP4',
}: Record<'from', string> & { to?: string; family?: string }) {
  return Buffer.from(`PROXY ${family} ${from} ${to} 5678 443\r\n`)
}

/** Version 2; `more` stands behind the addresses. */
export function binaryHeader({
  from,
  kind = 0x11,
  command = 1,
  more = [],
}: {
  from: readonly number[]
  kind?: number
  command?: number
  more?: readonly number[]
}): Buffer {
  const body = Buffer.from([...from, ...from, 0x16, 0x2e, 1, 0xbb, ...more])
  const fixed = Buffer.from([0x20 | command, kind, body.length >> 8, body.length & 255])
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), fixed, body])
}
