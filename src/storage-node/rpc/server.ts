import type { Server, Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { type ByteSocket, byteServer, byteServerByTls } from '../../base/rpc/byte-socket.ts'
import { type CallStatus, GrpcCode, statusHeaders } from '../../base/rpc/grpc-status.ts'
import { H2Connection, type H2Settings } from '../../base/rpc/h2-connection.ts'
import type { H2Stream, StreamEvents } from '../../base/rpc/h2-stream.ts'
import { type HeaderList, headerOf } from '../../base/rpc/hpack.ts'
import type { TlsIdentity } from '../../base/tls/identity.ts'
import { tellRefusals } from '../../base/tls/refusals.ts'
import { PROTOCOL_VERSION } from '../../base/wire/bounds.ts'
import { refuseCall, ServerCall } from './server-call.ts'

/** Begins to work on a call: `call.start` is called in the same turn. */
export type Method = (call: ServerCall) => void

export interface RpcServerDeps {
  clock: Clock
  log: Log
  settings: H2Settings
  methods: ReadonlyMap<string, Method>
  /** Judges every call before a byte of it is read; undefined lets it in. */
  refuse(path: string, headers: HeaderList): CallStatus | undefined
  /** Only holders of a certificate of this one's CA are let in; undefined: connections are plain. */
  tls: TlsIdentity | undefined
}

/** A gRPC server over as many addresses as it is told to listen on. */
export interface RpcServer {
  /** A port of a host, or a Unix socket; resolves with the port. Rejects when it cannot be bound. */
  listen(where: { host: string; port: number } | { path: string }): Promise<number>
  /** Takes no new connections or calls; resolves when those under way are over. */
  shutDown(): Promise<void>
  /** Cuts off what is left. */
  destroyAll(): void
}

export function createRpcServer(deps: RpcServerDeps): RpcServer {
  const listeners = new Set<Server>()
  const connections = new Set<H2Connection>()
  /** Under TLS: all that are connected, also those that are not let in yet. */
  const wires = new Set<Socket>()
  const onRefused = tellRefusals(deps)
  let isClosing = false

  function welcome(bytes: ByteSocket): void {
    const connection = new H2Connection({
      socket: bytes.socket,
      clock: deps.clock,
      settings: deps.settings,
      onStream: (stream, headers) => begin(deps, stream, headers),
      onEnd() {
        connections.delete(connection)
        endHandshakes()
      },
    })
    connections.add(connection)
    bytes.onBytes = (read) => connection.receive(read)
    if (isClosing) connection.goAway()
  }

  /** Who is the last to go waits for no caller that is not in yet. */
  function endHandshakes(): void {
    if (isClosing && connections.size === 0) for (const wire of wires) wire.destroy()
  }

  function secureServer(identity: TlsIdentity): Server {
    const listener = byteServerByTls(identity, { onConnection: welcome, onRefused })
    listener.on('connection', (wire: Socket) => {
      wires.add(wire)
      wire.once('close', () => wires.delete(wire))
    })
    return listener
  }

  return {
    listen(where) {
      const listener = deps.tls ? secureServer(deps.tls) : byteServer(welcome)
      return new Promise((resolve, reject) => {
        listener.once('error', reject)
        listener.listen(where, () => {
          listeners.add(listener)
          const address = listener.address()
          resolve(typeof address === 'object' && address ? address.port : 0)
        })
      })
    },
    async shutDown() {
      isClosing = true
      const closed = Array.from(
        listeners,
        (listener) => new Promise<void>((resolve) => listener.close(() => resolve())),
      )
      for (const connection of connections) connection.goAway()
      endHandshakes()
      await Promise.all(closed)
    },
    destroyAll() {
      for (const connection of connections) connection.destroy(new Error('the server is stopping'))
    },
  }
}

function begin(deps: RpcServerDeps, stream: H2Stream, headers: HeaderList): StreamEvents {
  const path = headerOf(headers, ':path') ?? ''
  if (headerOf(headers, ':method') !== 'POST' || !headerOf(headers, 'content-type')?.startsWith('application/grpc')) {
    refuseCall(stream, [[':status', '415']])
    return IGNORED
  }
  const method = deps.methods.get(path)
  const refusal = deps.refuse(path, headers) ?? (method ? undefined : unknownMethod(path))
  if (refusal) {
    refuseCall(stream, [[':status', '200'], ['content-type', 'application/grpc'], ...statusHeaders(refusal)])
    return IGNORED
  }
  const call = new ServerCall(stream, path, headers)
  method!(call)
  return call
}

function unknownMethod(path: string): CallStatus {
  const other = /^\/sextant\.chunk\.v(\d{1,9})\.ChunkStore\//.exec(path)?.[1]
  if (other !== undefined && Number(other) !== PROTOCOL_VERSION) {
    const details = `this node speaks version ${PROTOCOL_VERSION} of the chunk protocol, and was called by version ${other}: bring both to the same version of Sextant`
    return { code: GrpcCode.unimplemented, details }
  }
  return { code: GrpcCode.unimplemented, details: `there is no method ${path.slice(0, 100)}` }
}

const IGNORED: StreamEvents = { onHeaders() {}, onData() {}, onEnd() {}, onReset() {} }
