import { type AddressInfo, createServer, type Server } from 'node:net'
import { CommandFailure, systemCode } from '../failure.ts'

export interface WantedPort {
  host: string
  /** 0: any free one. */
  port: number
  hostVariable: string
  portVariable: string
}

/**
 * Makes sure that the ports can be had, before anything is started; answers their numbers. Throws a CommandFailure that
 * names the variable to change.
 */
export async function findPorts<const T extends readonly WantedPort[]>(wanted: T): Promise<{ [K in keyof T]: number }> {
  const servers: Server[] = []
  try {
    // All are held until the last is found, so that no two are the same.
    for (const one of wanted) servers.push(await listenOrTell(one))
    return servers.map((server) => (server.address() as AddressInfo).port) as { [K in keyof T]: number }
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

async function listenOrTell({ host, port, hostVariable, portVariable }: WantedPort): Promise<Server> {
  try {
    return await listen(host, port)
  } catch (error) {
    const code = systemCode(error)
    const where = `${host}:${port}`
    if (code === 'EADDRINUSE')
      throw new CommandFailure(`Port ${where} is in use: end what uses it, or choose another port by ${portVariable}.`)
    if (code === 'EACCES')
      throw new CommandFailure(`Port ${where} is not for this user: choose one above 1023 by ${portVariable}.`)
    throw new CommandFailure(`${where} cannot be listened on (${code}): choose another address by ${hostVariable}.`, {
      cause: error,
    })
  }
}

function listen(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => resolve(server))
  })
}
