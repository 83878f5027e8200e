import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below those that systems give to outgoing connections, any of which could take one before it is listened on (again). */
const FIRST_PORT = 12_000
const LAST_PORT = 31_999

/** Ports of the loopback address that nothing listens on. All different: they are held until all are found. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = []
  while (held.length < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (isFree) held.push({ port, server })
  }
  await Promise.all(held.map(async ({ server }) => void (await once(server.close(), 'close'))))
  return held.map(({ port }) => port)
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port!
}
