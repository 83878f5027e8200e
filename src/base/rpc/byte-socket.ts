import { connect, createServer, type NetConnectOpts, type OnReadOpts, type Server, Socket } from 'node:net'

/** What is read at once; one such buffer is kept for each connection, and used again for every read. */
const READ_BYTES = 256 * 1024

export interface ByteSocket {
  socket: Socket
  /** Who hears of the bytes that come: views that are good during the call. To be set in the turn of the connection. */
  onBytes: (bytes: Buffer) => void
}

/**
 * A socket whose reads go into one buffer that is used over and over: fresh memory for every read costs more than the
 * read (ten times, measured), most of it in the garbage collector.
 */
export function connectBytes(where: NetConnectOpts): ByteSocket {
  const bytes: Pick<ByteSocket, 'onBytes'> = { onBytes: () => {} }
  const socket = connect({ ...where, onread: onRead(bytes) })
  return Object.assign(bytes, { socket })
}

/** A server of such sockets. */
export function byteServer(onConnection: (connection: ByteSocket) => void): Server {
  return createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
    onConnection(readReused(accepted) ?? readFresh(accepted))
  })
}

function onRead(target: Pick<ByteSocket, 'onBytes'>): OnReadOpts {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  return {
    buffer,
    callback(bytes) {
      target.onBytes(buffer.subarray(0, bytes))
      return true
    },
  }
}

/** What Node keeps to itself of a socket: there is no public way to have accepted connections read into one buffer. */
interface SocketInside {
  _handle?: object | null
  _server?: Server | null
}

/** The same connection under a new Socket; undefined where Node has changed inside (pinned by a test). */
function readReused(accepted: Socket): ByteSocket | undefined {
  const inside = accepted as unknown as SocketInside
  const { _handle: handle, _server: server } = inside
  if (!handle || !server) return undefined
  const bytes: Pick<ByteSocket, 'onBytes'> = { onBytes: () => {} }
  inside._handle = null
  inside._server = null
  const socket = new Socket({ handle, onread: onRead(bytes) } as ConstructorParameters<typeof Socket>[0])
  // The server counts its connections by this, to know when it is closed.
  ;(socket as unknown as SocketInside)._server = server
  return Object.assign(bytes, { socket })
}

function readFresh(socket: Socket): ByteSocket {
  const bytes: ByteSocket = { socket, onBytes: () => {} }
  socket.on('data', (read: Buffer) => bytes.onBytes(read))
  return bytes
}
