import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import type { Log } from '../base/log.ts'
import type { RpcServer } from './rpc/server.ts'
import type { StorageNodeSettings } from './settings.ts'

/** Where a node can be reached. */
export interface BoundAddress {
  grpcAddress: string
  /** '' when there is none. */
  socketPath: string
}

/** `sun_path` of sockaddr_un has 108 bytes, the last of them 0 (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107
const WILDCARDS = new Set(['0.0.0.0', '::', '[::]', ''])

export interface ListenDeps {
  server: RpcServer
  log: Log
}

/** Binds TCP, which must succeed, and the Unix socket, which is a convenience: without it the node warns and goes on. */
export async function listen(deps: ListenDeps, settings: StorageNodeSettings): Promise<BoundAddress> {
  const port = await bind(deps, { host: settings.host === '' ? '0.0.0.0' : settings.host, port: settings.port })
  const socketPath = await listenOnSocket(deps, settings.socketPath)
  return { grpcAddress: advertised(settings, port), socketPath }
}

function advertised(settings: StorageNodeSettings, port: number): string {
  const host = WILDCARDS.has(settings.host) ? hostname() : settings.host
  const address = settings.advertisedAddress || host
  return /^(\[[^\]]+\]|[^:]+):\d+$/.test(address) ? address : withPort(address, port)
}

function withPort(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}

async function listenOnSocket(deps: ListenDeps, path: string): Promise<string> {
  if (path === '') return ''
  try {
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      throw new Error(`its path is longer than ${SOCKET_PATH_BYTES_MAX} bytes`)
    }
    await removeStaleSocket(path)
    await bind(deps, { path })
    return path
  } catch (error) {
    deps.log.warn({ path, reason: (error as Error).message }, 'no Unix socket: gateways on this host will use TCP')
    return ''
  }
}

/** A killed node leaves its socket file behind. One that somebody answers on, or any other file, stays as it is. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return
  if (!found.isSocket()) throw new Error('there is a file of that name')
  if (await answers(path)) throw new Error('another process listens there')
  await unlink(path)
}

/** Only a refusal says that nobody is there; a full backlog, say, does not. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const done = (isAlive: boolean) => {
      socket.destroy()
      resolve(isAlive)
    }
    socket.once('connect', () => done(true))
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED'))
  })
}

async function bind({ server }: ListenDeps, where: Parameters<RpcServer['listen']>[0]): Promise<number> {
  try {
    return await server.listen(where)
  } catch (error) {
    const address = 'path' in where ? where.path : withPort(where.host, where.port)
    throw new Error(`cannot listen on ${address}: ${(error as Error).message}`, { cause: error })
  }
}
