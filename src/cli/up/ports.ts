import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Random } from '../../base/clock.ts'
import { CommandFailure, systemCode } from '../failure.ts'

/**
 * Where any port will do: below those that systems give to outgoing connections (from 32,768 on), any of which could take
 * it before it is listened on, or while what listens is started again.
 */
const ANY_PORT_MIN = 12_000
const ANY_PORT_COUNT = 20_000
const ANY_PORT_TRIES = 100

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
export async function findPorts<const T extends readonly WantedPort[]>(
  wanted: T,
  random: Random,
): Promise<{ [K in keyof T]: number }> {
  const servers: Server[] = []
  try {
    // All are held until the last is found, so that no two are the same.
    for (const one of wanted) {
      const anywhere = one.port === 0 ? await listenAnywhere(one.host, random) : undefined
      servers.push(anywhere ?? (await listenOrTell(one)))
    }
    return servers.map((server) => (server.address() as AddressInfo).port) as { [K in keyof T]: number }
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

/** Undefined: none was found, or the host cannot be listened on. */
async function listenAnywhere(host: string, random: Random): Promise<Server | undefined> {
  for (let tries = 0; tries < ANY_PORT_TRIES; tries++) {
    try {
      return await listen(host, ANY_PORT_MIN + random.integer(ANY_PORT_COUNT))
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') return undefined
    }
  }
  return undefined
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
