import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as SecureServer } from 'node:tls'

/** Who is connected, and how many requests each has under way. */
export interface Connections {
  /** Answers how many are under way now. */
  begin(socket: Socket): number
  /** While closing, a connection goes with its last request. */
  end(socket: Socket): void
  /** From now on connections are closed as they become idle; those that are idle go at once. */
  closeWhenIdle(): void
  closeAll(): void
}

/**
 * Node's own closeIdleConnections passes over connections that never sent a request, which clients' pools hold ready: each
 * would delay the end until its time-out.
 */
export function trackConnections(server: Server): Connections {
  const requests = new Map<Socket, number>()
  /** Under TLS what comes first is a socket below the one that requests come from. */
  const wires = new Set<Socket>()
  let isClosing = false
  const isSecure = server instanceof SecureServer
  if (isSecure) {
    server.on('connection', (wire: Socket) => {
      wires.add(wire)
      wire.once('close', () => wires.delete(wire))
    })
  }
  server.on(isSecure ? 'secureConnection' : 'connection', (socket: Socket) => {
    requests.set(socket, 0)
    socket.once('close', () => {
      requests.delete(socket)
      endHandshakes()
    })
    if (isClosing) socket.destroySoon()
  })
  /** With nobody left who got through a handshake, the others are not waited for. */
  const endHandshakes = (): void => {
    if (isClosing && requests.size === 0) for (const wire of wires) wire.destroy()
  }
  const count = (socket: Socket, by: number): number => {
    const before = requests.get(socket)
    if (before === undefined) return 0
    requests.set(socket, before + by)
    if (isClosing && before + by === 0) socket.destroySoon()
    return before + by
  }
  return {
    begin: (socket) => count(socket, 1),
    end: (socket) => void count(socket, -1),
    closeWhenIdle() {
      isClosing = true
      for (const [socket, underWay] of requests) if (underWay === 0) socket.destroySoon()
      endHandshakes()
    },
    closeAll() {
      server.closeAllConnections()
      for (const wire of wires) wire.destroy()
    },
  }
}

/**
 * Closes a connection on which many requests were sent ahead. Node makes an error for each of those that it has parsed, with
 * a stack that nobody reads: together a third of the process's time where thousands do so. They get none.
 */
export function dropSentAhead(socket: Socket): void {
  const { stackTraceLimit } = Error
  socket.prependListener('close', () => {
    Error.stackTraceLimit = 0
  })
  socket.on('close', () => {
    Error.stackTraceLimit = stackTraceLimit
  })
  socket.destroy()
}
