import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { freePorts } from '../../../conformance/support/free-ports.ts'
import type { CuttableNetwork } from './cuttable.ts'
import type { Party } from './network.ts'

export interface ProxiedNetwork extends CuttableNetwork {
  /** From now on, whatever that node says comes so many ms late. */
  slow(node: number, ms: number): void
}

/**
 * All on this host, with a proxy of our own before every storage node (for all gateways together), and one before
 * PostgreSQL for each gateway and each storage node: for machines that let nobody make network namespaces.
 * A cut holds back what was sent, as a network does that loses it and later gets it again.
 */
export async function openProxies({ gateways, nodes }: { gateways: number; nodes: number }): Promise<ProxiedNetwork> {
  const host = '127.0.0.1'
  await using unlessDone = new AsyncDisposableStack()
  const stack = unlessDone.use(new AsyncDisposableStack())
  const [postgresPort, ...ports] = await freePorts(1 + gateways + nodes)
  const postgres = { host, port: postgresPort! }
  const gatewayPorts = ports.slice(0, gateways)
  const nodePorts = ports.slice(gateways)
  const toNode = await Promise.all(nodePorts.map((port) => openProxy({ host, port })))
  const parties: Party[] = [
    ...gatewayPorts.map((_, n) => `gateway ${n + 1}`),
    ...nodePorts.map((_, n) => `storage node ${n + 1}`),
  ]
  const toPostgres = new Map<Party, Proxy>()
  for (const party of parties) toPostgres.set(party, await openProxy(postgres))
  for (const proxy of [...toNode, ...toPostgres.values()]) stack.use(proxy)
  unlessDone.move()

  const between = (from: Party, to: Party): [Proxy, Direction] => {
    if (to === 'PostgreSQL') return [toPostgres.get(from)!, 'there']
    if (from === 'PostgreSQL') return [toPostgres.get(to)!, 'back']
    const [, isTo] = /^storage node (\d+)$/.exec(to) ?? []
    const [, isFrom] = /^storage node (\d+)$/.exec(from) ?? []
    return isTo === undefined ? [toNode[Number(isFrom) - 1]!, 'back'] : [toNode[Number(isTo) - 1]!, 'there']
  }
  return {
    postgres,
    prefixOf: () => [],
    databaseAddressOf: (party) => ({ host, port: toPostgres.get(party)!.port }),
    nodeEnv: (number) => ({
      SEXTANT_NODE_HOST: host,
      SEXTANT_NODE_PORT: String(nodePorts[number - 1]),
      SEXTANT_NODE_ADDRESS: `${host}:${toNode[number - 1]!.port}`,
      SEXTANT_LOCAL_READS: 'false',
    }),
    gatewayAddress: (number) => ({ host, port: gatewayPorts[number - 1]! }),
    async cut(from, to) {
      const [proxy, direction] = between(from, to)
      proxy.hold(direction, true)
      return { [Symbol.asyncDispose]: async () => proxy.hold(direction, false) }
    },
    slow: (node, ms) => toNode[node - 1]!.delay(ms),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type Direction = 'there' | 'back'

interface Proxy extends AsyncDisposable {
  readonly port: number
  /** What goes in that direction stays where it is, or goes on. */
  hold(direction: Direction, isHeld: boolean): void
  /** What goes back goes so many ms later. */
  delay(ms: number): void
}

interface Pair {
  client: Socket
  server: Socket
}

async function openProxy(target: { host: string; port: number }): Promise<Proxy> {
  const held: Record<Direction, boolean> = { there: false, back: false }
  const pairs = new Set<Pair>()
  let delayMs = 0
  const follow = ({ client, server }: Pair) => {
    if (held.there) client.pause()
    else client.resume()
    if (held.back) server.pause()
    else server.resume()
  }
  const listener: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const pair = { client, server: connect({ ...target, allowHalfOpen: true }) }
    pairs.add(pair)
    join(pair, {
      delayMs: () => delayMs,
      onDrained: () => follow(pair),
      onGone: () => pairs.delete(pair),
    })
    follow(pair)
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    hold(direction, isHeld) {
      held[direction] = isHeld
      for (const pair of pairs) follow(pair)
    },
    delay(ms) {
      delayMs = ms
    },
    async [Symbol.asyncDispose]() {
      listener.close()
      for (const { client, server } of pairs) {
        client.destroy()
        server.destroy()
      }
    },
  }
}

interface JoinOptions {
  delayMs(): number
  onDrained(): void
  onGone(): void
}

/** Bytes of each to the other, no faster than they are taken. An end of one way is passed on; a break ends both. */
function join({ client, server }: Pair, { delayMs, onDrained, onGone }: JoinOptions): void {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    const pass = (data: Buffer) => {
      if (!to.write(data)) from.pause()
    }
    from.on('data', (data: Buffer) => {
      if (from === client || delayMs() === 0) pass(data)
      else setTimeout(pass, delayMs(), data)
    })
    to.on('drain', onDrained)
    from.on('end', () => to.end())
    from.on('error', () => {}) // `close` follows
    from.on('close', () => {
      to.destroy()
      onGone()
    })
  }
}
