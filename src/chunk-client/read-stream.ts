import type { Clock } from '../base/clock.ts'
import type { ChunkError } from '../base/faults.ts'
import { IdleTimer } from '../base/idle-timer.ts'
import { MessageCollector } from '../base/rpc/message-reader.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import { aborted, fromStatus, unreachable } from './errors.ts'
import type { GrpcConnection } from './grpc-connection.ts'

export interface ReadStreamDeps {
  clock: Clock
  idleMs: number
  onAnswer(): void
  onTimeout(waitedMs: number): void
}

export interface ReadOrder {
  path: string
  request: Uint8Array
}

/**
 * The messages that a server answers one request with. What comes while none is waited for is bounded by the stream's
 * window and one message. Rejects `unreachable` when one that is waited for takes longer than `idleMs`, `aborted` on the
 * signal; the call is cancelled then, and when the reader leaves early.
 */
export async function* readMessages(
  connection: GrpcConnection,
  { path, request }: ReadOrder,
  { clock, idleMs, onAnswer, onTimeout }: ReadStreamDeps,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  if (signal.aborted) throw aborted(signal)
  const queue: Buffer[] = []
  let failure: ChunkError | undefined
  let isOver = false
  /** Bytes in the queue, for which the server waits. */
  let owedBytes = 0
  let wake = () => {}
  const call = connection.call(path, {
    messages: new MessageCollector({
      bytesMax: wireBounds.messageBytesMax,
      allocate: (bytes) => Buffer.allocUnsafe(bytes),
      onMessage: (message) => {
        queue.push(message)
        wake()
      },
    }),
    onTaken(bytes) {
      owedBytes += bytes
      if (queue.length === 0) payOff()
    },
    onStatus(status) {
      failure ??= fromStatus(status)
      isOver = true
      wake()
    },
  })
  const payOff = () => {
    call.consumed(owedBytes)
    owedBytes = 0
  }
  const fail = (error: ChunkError) => {
    failure ??= error
    queue.length = 0
    isOver = true
    idle[Symbol.dispose]()
    call.cancel()
    wake()
  }
  const onAbort = () => fail(aborted(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  using idle = new IdleTimer(clock, idleMs, () => {
    fail(unreachable(`no progress within ${idleMs} ms`))
    onTimeout(idleMs)
  })
  call.send([request])
  call.end()
  try {
    for (;;) {
      const message = queue.shift()
      if (message) {
        if (queue.length === 0) payOff()
        onAnswer()
        yield message
      } else if (isOver) {
        if (failure) throw failure
        return
      } else {
        idle.begin()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        idle.end()
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    call.cancel()
  }
}
