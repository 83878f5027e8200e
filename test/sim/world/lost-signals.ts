import { getEventListeners } from 'node:events'

/**
 * Node keeps a signal of AbortSignal.any for ever while somebody listens to it, and with it all that the listener knows.
 * Processes that are killed never stop listening: so, when a run is over, nobody does any more.
 */
export function releaseSignals(): Disposable {
  const { any } = AbortSignal
  const made: WeakRef<AbortSignal>[] = []
  AbortSignal.any = (signals) => {
    const signal = any.call(AbortSignal, signals)
    made.push(new WeakRef(signal))
    return signal
  }
  return {
    [Symbol.dispose]() {
      AbortSignal.any = any
      for (const signal of made.map((each) => each.deref())) {
        if (!signal) continue
        for (const listener of getEventListeners(signal, 'abort'))
          signal.removeEventListener('abort', listener as never)
      }
    },
  }
}
