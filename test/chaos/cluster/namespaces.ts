import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { CuttableNetwork } from './cuttable.ts'
import type { Party } from './network.ts'

const run = promisify(execFile)
const ip = (...args: string[]) => run('ip', args)

/** Reserved for measuring (RFC 2544), so nobody's networks. The third byte is this cluster's, the last a party's. */
const INSIDE = '198.18'
const CLIENTS = '198.19'
const BITS = 24
const S3_PORT = 9000
const NODE_PORT = 9001
const POSTGRES_PORT = 5432
/** A hardware address that no device has. */
const NOBODY = '02:00:00:00:00:01'

/** Whether this machine lets us make network namespaces: root may, unless it is root of a container alone. */
export async function mayMakeNamespaces(): Promise<boolean> {
  const name = `sxtry${randomBytes(3).toString('hex')}`
  try {
    await ip('netns', 'add', name)
    await ip('link', 'add', name, 'type', 'bridge')
    await ip('link', 'del', name)
    return true
  } catch {
    return false
  } finally {
    await ip('netns', 'del', name).catch(() => {}) // it was not made
  }
}

/**
 * Every gateway and storage node in a network namespace of its own, joined by a bridge, on which PostgreSQL listens too.
 * Clients reach the gateways by a second bridge, which is never cut. A cut gives the sender a wrong hardware address of
 * the other: packets leave, and nobody takes them.
 */
export async function openNamespaces({
  gateways,
  nodes,
}: {
  gateways: number
  nodes: number
}): Promise<CuttableNetwork> {
  await using unlessDone = new AsyncDisposableStack()
  const stack = unlessDone.use(new AsyncDisposableStack())
  const id = randomBytes(3)
  const name = `sx${id.toString('hex')}`
  const hosts = new Map<Party, number>([['PostgreSQL', 1]])
  for (let n = 1; n <= gateways; n++) hosts.set(`gateway ${n}`, 10 + n)
  for (let n = 1; n <= nodes; n++) hosts.set(`storage node ${n}`, 100 + n)
  const addressOf = (party: Party, net = INSIDE) => `${net}.${id[0]}.${hosts.get(party)}`
  const spaceOf = (party: Party) => `${name}-${hosts.get(party)}`

  const addBridge = async (bridge: string, net: string) => {
    await ip('link', 'add', bridge, 'type', 'bridge')
    stack.defer(async () => void (await ip('link', 'del', bridge)))
    await ip('addr', 'add', `${addressOf('PostgreSQL', net)}/${BITS}`, 'dev', bridge)
    await ip('link', 'set', bridge, 'up')
  }
  const plug = async (party: Party, bridge: string, { net, device }: { net: string; device: string }) => {
    const [space, outer] = [spaceOf(party), `${bridge}-${hosts.get(party)}`]
    await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', device, 'netns', space)
    await ip('link', 'set', outer, 'master', bridge, 'up')
    await ip('-n', space, 'addr', 'add', `${addressOf(party, net)}/${BITS}`, 'dev', device)
    await ip('-n', space, 'link', 'set', device, 'up')
  }
  await addBridge(name, INSIDE)
  await addBridge(`${name}c`, CLIENTS)
  for (const party of hosts.keys()) {
    if (party === 'PostgreSQL') continue
    await ip('netns', 'add', spaceOf(party))
    stack.defer(async () => void (await ip('netns', 'del', spaceOf(party))))
    await ip('-n', spaceOf(party), 'link', 'set', 'lo', 'up')
    await plug(party, name, { net: INSIDE, device: 'eth0' })
    if (party.startsWith('gateway')) await plug(party, `${name}c`, { net: CLIENTS, device: 'eth1' })
  }
  unlessDone.move()
  const postgres = { host: addressOf('PostgreSQL'), port: POSTGRES_PORT }
  return {
    postgres,
    prefixOf: (party) => (party === 'PostgreSQL' ? [] : ['ip', 'netns', 'exec', spaceOf(party)]),
    databaseAddressOf: () => postgres,
    nodeEnv: (number) => ({
      SEXTANT_NODE_HOST: addressOf(`storage node ${number}`),
      SEXTANT_NODE_PORT: String(NODE_PORT),
      // Chunks travel over the network, not through the file system that all share.
      SEXTANT_LOCAL_READS: 'false',
    }),
    gatewayAddress: (number) => ({ host: addressOf(`gateway ${number}`, CLIENTS), port: S3_PORT }),
    async cut(from, to) {
      const inSpace = from === 'PostgreSQL' ? [] : ['-n', spaceOf(from)]
      const entry = [addressOf(to), 'dev', from === 'PostgreSQL' ? name : 'eth0']
      await ip(...inSpace, 'neigh', 'replace', ...entry, 'lladdr', NOBODY, 'nud', 'permanent')
      return { [Symbol.asyncDispose]: async () => void (await ip(...inSpace, 'neigh', 'del', ...entry)) }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
