import { connect, createServer, isIP, type NetConnectOpts, type OnReadOpts, type Server, Socket } from 'node:net'
import {
  checkServerIdentity,
  connect as connectTls,
  createServer as createTlsServer,
  type PeerCertificate,
} from 'node:tls'
import type { TlsIdentity } from '../tls/identity.ts'
import { handshakeFailure, type OnRefused, refusalOf } from '../tls/refusals.ts'

/** What is read at once; one such buffer is kept for each connection, and used again for every read. */
const READ_BYTES = 256 * 1024
/** A caller that takes longer for its handshake is dropped. */
const HANDSHAKE_MS = 10_000
/** https://www.rfc-editor.org/rfc/rfc9113#section-3.2; gRPC clients insist on it. */
const ALPN_H2 = ['h2'] as const

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

/**
 * The same under TLS, each side by its certificate. `onSecure`: the other side is who it says; nothing may be sent before.
 * `host`: what its certificate must name.
 */
export function connectBytesByTls(
  where: NetConnectOpts,
  { identity, host, onSecure }: { identity: TlsIdentity; host: string; onSecure: () => void },
): ByteSocket {
  const bytes: Pick<ByteSocket, 'onBytes'> = { onBytes: () => {} }
  const options = {
    ...where,
    secureContext: identity.context,
    ALPNProtocols: [...ALPN_H2],
    // A name alone: RFC 6066 knows no addresses there.
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
    // Missing in @types/node: https://nodejs.org/api/tls.html#tlsconnectoptions-callback
    onread: onRead(bytes),
  }
  const socket = connectTls(options, onSecure)
  return Object.assign(bytes, { socket })
}

/** A server of such sockets. */
export function byteServer(onConnection: (connection: ByteSocket) => void): Server {
  return createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
    onConnection(readReused(accepted) ?? readFresh(accepted))
  })
}

/**
 * A server under TLS that lets nobody in who does not show a certificate of the CA's. `onRefused` hears, in words for
 * people, of each that was turned away.
 */
export function byteServerByTls(
  identity: TlsIdentity,
  { onConnection, onRefused }: { onConnection: (connection: ByteSocket) => void; onRefused: OnRefused },
): Server {
  // Not rejectUnauthorized: Node would break off without a word about why.
  const asking = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: [...ALPN_H2] }
  const server = createTlsServer(
    { ...identity.options, ...asking, noDelay: true, handshakeTimeout: HANDSHAKE_MS },
    (accepted) => {
      // Whatever goes wrong from here on is a connection's end, of which its user hears.
      accepted.on('error', () => {})
      const reason = refusalOf(accepted)
      if (reason === undefined) return onConnection(readFresh(accepted))
      onRefused(reason, accepted.remoteAddress)
      accepted.destroy()
    },
  )
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    onRefused(handshakeFailure(error), socket.remoteAddress)
    socket.destroy()
  })
  const following = identity.onChange((options) => server.setSecureContext(options))
  server.once('close', () => following[Symbol.dispose]())
  return server
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
