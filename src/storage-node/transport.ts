import type { Http2Server, ServerHttp2Session, Settings } from 'node:http2'
import type { Readable } from 'node:stream'
import { Server } from '@grpc/grpc-js'
import { wireBounds } from '../base/wire/bounds.ts'
import type { Gatekeeper } from './credentials.ts'
import type { StorageNodeTuning } from './settings.ts'

/** Room for the fields around the payload of a message of the largest size. */
const MESSAGE_SLACK_BYTES = 64 * 1024

export function createGrpcServer(gatekeeper: Gatekeeper, tuning: StorageNodeTuning): Server {
  const server = new Server({
    // Checked against a message's length prefix: nothing larger is ever collected, whoever sends it.
    'grpc.max_receive_message_length': wireBounds.messageBytesMax + MESSAGE_SLACK_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': tuning.streamsMax,
    'grpc.keepalive_time_ms': tuning.keepaliveMs,
    'grpc.keepalive_timeout_ms': tuning.keepaliveTimeoutMs,
    'grpc.enable_channelz': 0,
    interceptors: [gatekeeper.interceptor],
  })
  const inside = server as unknown as ServerInside
  if (typeof inside.commonServerOptions === 'object') {
    const { streamWindowBytes, frameBytesMax } = tuning
    const settings = { initialWindowSize: streamWindowBytes, maxFrameSize: frameBytesMax }
    inside.commonServerOptions.settings = { ...inside.commonServerOptions.settings, ...settings }
  }
  return server
}

/** The connections of a server. */
export interface Connections {
  /** To be called in the turn in which an address was bound, before anybody can have connected to it. */
  follow(): void
  /** False when the windows could not be widened. */
  readonly areWide: boolean
  /** Cuts off what is left. (Without channelz, grpc-js 1.14 forgets its sessions in forceShutdown.) */
  destroyAll(): void
}

/** Knows a server's connections, and widens their windows. */
export function connectionsOf(server: Server, tuning: StorageNodeTuning): Connections {
  const sessions = new Set<ServerHttp2Session>()
  const followed = new Set<Http2Server>()
  return {
    follow() {
      const listeners = (server as unknown as ServerInside).http2Servers
      for (const listener of listeners instanceof Map ? listeners.keys() : []) {
        if (followed.has(listener)) continue
        followed.add(listener)
        listener.on('session', (session: ServerHttp2Session) => {
          session.setLocalWindowSize(tuning.connectionWindowBytes)
          sessions.add(session)
          session.once('close', () => sessions.delete(session))
        })
      }
    },
    get areWide() {
      return followed.size > 0
    },
    destroyAll() {
      for (const session of sessions) session.destroy()
    },
  }
}

/**
 * grpc-js reads up to 16 messages ahead of a handler (the high-water mark of object streams), which is 16 MiB a stream
 * when they carry payload. One is enough: the next arrives while the last is written. There is no public way to say so;
 * test/storage-node/back-pressure.test.ts pins that it works.
 */
export function readOneAhead(call: Readable): void {
  ;(call as unknown as { _readableState: { highWaterMark: number } })._readableState.highWaterMark = 1
}

/**
 * What grpc-js 1.14 keeps to itself: it has no setting for a server's flow-control windows, and with http2's default of
 * 64 KiB an upload waits for the reader at every turn. Without them everything works, slower.
 */
interface ServerInside {
  commonServerOptions?: { settings?: Settings }
  http2Servers?: Map<Http2Server, unknown>
}
