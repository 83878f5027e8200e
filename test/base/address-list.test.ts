import t from 'tap'
import { parseAddressList } from '../../src/base/address-list.ts'

const contains = (texts: string[], address: string | undefined) => parseAddressList(texts)!.contains(address)

t.test('address list: blocks and addresses, IPv4 and IPv6, and IPv4 in IPv6’s clothes', async (t) => {
  const inside: [text: string, address: string][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['10.0.0.0/8', '10.255.255.255'],
    ['10.1.2.3/8', '10.0.0.1'],
    ['0.0.0.0/0', '255.255.255.255'],
    ['10.0.0.0/8', '::ffff:10.1.2.3'],
    ['10.0.0.0/8', '::FFFF:10.1.2.3'],
    ['::ffff:10.0.0.0/104', '10.1.2.3'],
    ['::ffff:10.0.0.0/104', '::ffff:10.1.2.3'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8::/32', '2001:db8:ffff::1'],
    ['2001:db8::1', '2001:0db8:0:0:0:0:0:1'],
    ['::/0', 'ff02::1'],
    ['fe80::/10', 'fe80::1%eth0'],
  ]
  for (const [text, address] of inside) t.ok(contains(['198.51.100.1', text], address), `${address} is in ${text}`)
  const outside: [text: string, address: string | undefined][] = [
    ['192.0.2.7', '192.0.2.8'],
    ['10.0.0.0/8', '11.0.0.0'],
    ['0.0.0.0/0', '2001:db8::1'],
    ['::/0', '192.0.2.7'],
    ['::/64', '::ffff:192.0.2.7'],
    ['2001:db8::/32', '2001:db9::'],
    ['0.0.0.0/0', undefined],
    ['0.0.0.0/0', 'unknown'],
    ['0.0.0.0/0', ''],
  ]
  for (const [text, address] of outside) t.notOk(contains([text], address), `${address} is not in ${text}`)
})

t.test('address list: what is none', async (t) => {
  const none = [
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '2001:db8::/129',
    '::ffff:10.0.0.0/95',
    'a.example',
  ]
  for (const text of none) t.equal(parseAddressList(['192.0.2.7', text]), undefined, JSON.stringify(text))
  t.notOk(parseAddressList([])!.contains('192.0.2.7'))
})
