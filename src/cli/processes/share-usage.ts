import type { Clock } from '../../base/clock.ts'
import type { RateLimiter, Usage } from '../../s3api/limits/rate-limiter.ts'
import type { UsageMessage } from './messages.ts'

/** How far the processes of one gateway may be apart. */
const TELL_MS = 100

/** Tells the other processes of this gateway what is used here, by way of `sextant up`, and hears of what is used there. */
export function shareUsage(limiter: RateLimiter, clock: Clock): Disposable {
  limiter.beginTelling()
  const onMessage = (message: unknown) => {
    if (isUsage(message)) limiter.addUsage(message.usages)
  }
  const tell = () => {
    const usages: Usage[] = limiter.takeUsage()
    if (usages.length > 0 && process.connected) process.send?.({ kind: 'usage', usages } satisfies UsageMessage)
    timer = clock.after(TELL_MS, tell)
  }
  process.on('message', onMessage)
  let timer = clock.after(TELL_MS, tell)
  return {
    [Symbol.dispose]() {
      process.off('message', onMessage)
      timer[Symbol.dispose]()
    },
  }
}

/** From `sextant up` alone, which had it from a gateway of the same version. */
function isUsage(message: unknown): message is UsageMessage {
  return (message as Partial<UsageMessage> | null)?.kind === 'usage'
}
