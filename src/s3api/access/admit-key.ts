import { StoreFault } from '../../base/faults.ts'
import type { Identity } from '../auth/authenticate.ts'
import type { Exchange } from '../http/exchange.ts'
import { Charges } from '../limits/charges.ts'
import type { Allowance, RateLimiter } from '../limits/rate-limiter.ts'
import type { Trace } from '../trace.ts'

interface Admission {
  limiter: RateLimiter
  trace: Trace
  exchange: Exchange
}

/** Whether anybody at this address may ask for anything now. Fault: SlowDown. */
export function admitAddress({ limiter, trace, exchange }: Admission): void {
  charge(trace, exchange, limiter.admitAddress(exchange.address))
}

/** Whether a key that signed rightly may be used from there, and now. Faults: AccessDenied, SlowDown. */
export function admitKey(identity: Identity, { limiter, trace, exchange }: Admission): void {
  if (identity.kind !== 'account') return
  const { accessKey } = identity
  trace.accessKey = accessKey
  if (accessKey.allowedFrom?.contains(exchange.address) === false) {
    throw new StoreFault('AccessDenied', { reason: 'this access key may not be used from there' })
  }
  charge(trace, exchange, limiter.admitKey(accessKey))
}

/** For the body that was announced at once: many large ones at a time would all be let in otherwise. */
function charge(trace: Trace, { source }: Exchange, allowance: Allowance | undefined): void {
  if (!allowance) return
  if (!trace.charges) {
    trace.charges = new Charges()
    trace.charges.charge(source.declaredBytes ?? 0)
  }
  trace.charges.add(allowance)
}
