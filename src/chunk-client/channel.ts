import { lstat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Client, type ClientOptions, connectivityState } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { Passport } from './credentials.ts'
import { unreachable } from './errors.ts'
import type { ChunkClientSettings } from './settings.ts'

/** A storage server as a link sees it. */
export interface LinkTarget {
  serverId: string
  grpcAddress: string
  socketPath: string
}

/** Room for the fields around the payload of a message of the largest size. */
const MESSAGE_SLACK_BYTES = 64 * 1024

/** A channel with a connection of its own. */
export function openChannel(address: string, passport: Passport, settings: ChunkClientSettings): Client {
  const options: ClientOptions = {
    // Otherwise two channels to one address share a connection, and small calls queue behind large ones.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': wireBounds.messageBytesMax + MESSAGE_SLACK_BYTES,
    'grpc.max_send_message_length': -1,
    // With a retry buffer, grpc-js would call a message written as soon as it is kept for a second try: a retry is the
    // engine's business, and back-pressure is wanted.
    'grpc.enable_retries': 0,
    'grpc.retry_buffer_size': 0,
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.keepalive_time_ms': settings.keepaliveMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': Math.min(100, settings.probeMs),
    'grpc.max_reconnect_backoff_ms': settings.probeMs,
    'grpc-node.flow_control_window': settings.windowBytes,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  }
  return new Client(address, passport.credentials, options)
}

/** Resolves when the channel is connected. Rejects `unreachable` at the first failure, or after `ms`. */
export async function connected(client: Client, clock: Clock, ms: number): Promise<void> {
  const channel = client.getChannel()
  if (channel.getConnectivityState(false) === connectivityState.READY) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let isOver = false
  const look = () => {
    // Closing the channel calls this, too: asking it anything then would bring it back to life.
    if (isOver) return
    const state = channel.getConnectivityState(false)
    if (state === connectivityState.READY) {
      resolve()
    } else if (state === connectivityState.TRANSIENT_FAILURE) {
      reject(unreachable(`no connection to ${channel.getTarget()}`))
    } else if (state === connectivityState.SHUTDOWN) {
      reject(unreachable('the channel was closed'))
    } else {
      if (state === connectivityState.IDLE) channel.getConnectivityState(true)
      channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look)
    }
  }
  using _timer = clock.after(ms, () => reject(unreachable(`no connection to ${channel.getTarget()} within ${ms} ms`)))
  try {
    look()
    await promise
  } finally {
    isOver = true
  }
}

/** Addresses to try, best first: on the same host a Unix socket costs up to a quarter less (measured). */
export async function addressesOf(target: LinkTarget): Promise<string[]> {
  const { socketPath, grpcAddress } = target
  const tcp = `dns:${grpcAddress}`
  if (socketPath === '') return [tcp]
  const found = await lstat(socketPath).catch(() => undefined)
  return found?.isSocket() ? [`unix:${socketPath}`, tcp] : [tcp]
}

/**
 * grpc-js reads up to 16 messages ahead (the high-water mark of object streams): 8 MiB for each download whose reader is
 * slow. One is enough. There is no public way to say so; test/chunk-client/back-pressure.test.ts pins that it works.
 */
export function readOneAhead(call: Readable): void {
  ;(call as unknown as { _readableState: { highWaterMark: number } })._readableState.highWaterMark = 1
}
