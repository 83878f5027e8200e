import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Who is connected, and how many requests each has under way. */
export interface Connections {
  begin(socket: Socket): void
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
  let isClosing = false
  server.on('connection', (socket: Socket) => {
    requests.set(socket, 0)
    socket.once('close', () => requests.delete(socket))
  })
  const count = (socket: Socket, by: number): void => {
    const before = requests.get(socket)
    if (before === undefined) return
    requests.set(socket, before + by)
    if (isClosing && before + by === 0) socket.destroySoon()
  }
  return {
    begin: (socket) => count(socket, 1),
    end: (socket) => count(socket, -1),
    closeWhenIdle() {
      isClosing = true
      for (const [socket, underWay] of requests) if (underWay === 0) socket.destroySoon()
    },
    closeAll: () => server.closeAllConnections(),
  }
}
