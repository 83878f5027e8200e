import type { ClientReadableStream } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import type { ChunkError } from '../base/faults.ts'
import { IdleTimer } from '../base/idle-timer.ts'
import { readOneAhead } from './channel.ts'
import { aborted, fromServiceError, unreachable } from './errors.ts'

export interface ReadStreamDeps {
  clock: Clock
  idleMs: number
  onAnswer(): void
  onTimeout(waitedMs: number): void
}

/**
 * The messages of a server's stream, one read ahead. Rejects `unreachable` when one that is waited for takes longer than
 * `idleMs`, `aborted` on the signal; the call is cancelled then, and when the reader leaves early.
 */
export async function* readStream<T>(
  start: () => ClientReadableStream<T>,
  { clock, idleMs, onAnswer, onTimeout }: ReadStreamDeps,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  if (signal.aborted) throw aborted(signal)
  const call = start()
  readOneAhead(call)
  let failure: ChunkError | undefined
  const fail = (error: ChunkError) => {
    failure ??= error
    call.cancel()
  }
  // The iterator below listens as long as it is read; a call that is cancelled ends later.
  call.on('error', () => {})
  const onAbort = () => fail(aborted(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  using idle = new IdleTimer(clock, idleMs, () => {
    fail(unreachable(`no progress within ${idleMs} ms`))
    onTimeout(idleMs)
  })
  const messages = call.iterator({ destroyOnReturn: false }) as AsyncIterator<T>
  try {
    for (;;) {
      idle.begin()
      const step = await messages.next()
      idle.end()
      if (failure) throw failure
      if (step.done) return
      onAnswer()
      yield step.value
      if (failure) throw failure
    }
  } catch (error) {
    throw failure ?? fromServiceError(error)
  } finally {
    signal.removeEventListener('abort', onAbort)
    call.cancel()
  }
}
