import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as SecureServer } from 'node:tls'
import type { AddressList } from '../../base/address-list.ts'
import type { Clock } from '../../base/clock.ts'
import { peerAddress } from '../access/peer.ts'
import { type ProxyHeader, readProxyHeader } from './proxy-header.ts'

export interface ProxiedOptions {
  /** All others are not listened to. */
  trusted: AddressList | undefined
  /** For the header to come, in ms. */
  headerMs: number
  clock: Clock
  /** Called for each connection that is closed for want of a header. */
  refused: () => void
}

/**
 * Has every connection begin with a header of the PROXY protocol, below TLS where there is TLS; its `remoteAddress` is then
 * the one that the header names. To be called before others listen for the server's connections.
 */
export function acceptProxied(server: Server, options: ProxiedOptions): void {
  const isSecure = server instanceof SecureServer
  /** Of connections under TLS, by where they lead. */
  const addresses = new Map<string, string>()
  const welcome = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (!options.trusted?.contains(peerAddress(socket))) return refuse(socket, options)
    awaitHeader(socket, options, ({ address }) => {
      if (isSecure && address !== undefined) note(addresses, socket, address)
      else if (address !== undefined) rename(socket, address)
      for (const each of welcome) each.call(server, socket)
      // TLS takes what is there by itself.
      if (!isSecure) socket.resume()
    })
  })
  if (!isSecure) return
  server.prependListener('secureConnection', (socket: Socket) => {
    const address = addresses.get(wayOf(socket))
    if (address !== undefined) rename(socket, address)
  })
}

/** Calls `done` once it is there, with what follows it given back to the socket. */
function awaitHeader(socket: Socket, options: ProxiedOptions, done: (header: ProxyHeader) => void): void {
  let held: Buffer = Buffer.alloc(0)
  const timer = options.clock.after(options.headerMs, () => refuse(socket, options))
  const end = () => {
    timer[Symbol.dispose]()
    socket.off('data', take).off('error', ignore).off('close', end)
  }
  const take = (data: Buffer) => {
    held = Buffer.concat([held, data])
    const header = readProxyHeader(held)
    if (header === 'more') return
    socket.pause()
    end()
    if (header === 'wrong') return refuse(socket, options)
    if (held.length > header.sizeBytes) socket.unshift(held.subarray(header.sizeBytes))
    done(header)
  }
  socket.on('data', take).on('error', ignore).on('close', end)
}

function ignore(): void {}

function refuse(socket: Socket, { refused }: ProxiedOptions): void {
  refused()
  socket.destroy()
}

function note(addresses: Map<string, string>, socket: Socket, address: string): void {
  const way = wayOf(socket)
  addresses.set(way, address)
  socket.once('close', () => addresses.delete(way))
}

/** The same for a socket and for that of TLS above it. */
function wayOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function rename(socket: Socket, address: string): void {
  Object.defineProperty(socket, 'remoteAddress', { value: address })
}
