import t from 'tap'
import { networkOf } from '../../../src/s3api/limits/network-of.ts'
import { RateLimiter } from '../../../src/s3api/limits/rate-limiter.ts'
import { HandClock } from '../../support/moved-clock.ts'

function limiter(clock: HandClock, ofKey = {}, ofAddress = {}): RateLimiter {
  return new RateLimiter({ clock, ofKey, ofAddress })
}

/** How many of `tries` are let in. */
function admitted(tries: number, admit: () => unknown): number {
  let count = 0
  for (let n = 0; n < tries; n++) {
    try {
      admit()
      count++
    } catch {}
  }
  return count
}

t.test('rate limiter: a second’s worth at once, and then as many as the second brings', async (t) => {
  const clock = new HandClock()
  const limits = limiter(clock, { requestsPerSecond: 5 })
  const admit = () => limits.admitKey({ accessKeyId: 'a' })
  t.equal(admitted(20, admit), 5)
  t.equal(
    admitted(20, () => limits.admitKey({ accessKeyId: 'b' })),
    5,
    'each key has its own',
  )
  clock.advance(200)
  t.equal(admitted(20, admit), 1)
  clock.advance(600)
  t.equal(admitted(20, admit), 3)
  clock.advance(3_600_000)
  t.equal(admitted(20, admit), 5, 'what was not asked for is not saved up')
  clock.advance(-3_600_000)
  t.equal(admitted(20, admit), 0)
  clock.advance(1_000)
  t.equal(admitted(20, admit), 5, 'a clock that is set back stops nobody')
})

t.test('rate limiter: bytes beyond what is left are let through, and waited for by the next request', async (t) => {
  const clock = new HandClock()
  const limits = limiter(clock, { bytesPerSecond: 1000 })
  const admit = () => limits.admitKey({ accessKeyId: 'a' })
  admit()!.take({ requests: 0, bytes: 5000 })
  t.throws(admit, { code: 'SlowDown', detail: { retryAfterSeconds: 5 } })
  clock.advance(4_000)
  t.throws(admit, { code: 'SlowDown', detail: { retryAfterSeconds: 1 } })
  clock.advance(1_000)
  t.ok(admit())
})

t.test(
  'rate limiter: a key’s own limits go before those of the settings, and take effect when they change',
  async (t) => {
    const clock = new HandClock()
    const limits = limiter(clock, { requestsPerSecond: 5 })
    const admit = (own?: object) => () => limits.admitKey({ accessKeyId: 'a', limits: own })
    t.equal(admitted(20, admit()), 5)
    t.equal(admitted(20, admit({ requestsPerSecond: 7 })), 7)
    t.equal(admitted(20, admit({ requestsPerSecond: 0 })), 20, 'none')
    t.equal(admitted(20, admit({ bytesPerSecond: 9 })), 5, 'what it says nothing of stays')
    t.equal(limiter(clock).admitKey({ accessKeyId: 'a' }), undefined)
    t.equal(limiter(clock).admitAddress('192.0.2.7'), undefined)
    t.equal(
      admitted(20, () => limiter(clock).admitKey({ accessKeyId: 'a' })),
      20,
    )
  },
)

t.test('rate limiter: what is used in one process is gone in the others', async (t) => {
  const clock = new HandClock()
  const [one, two] = [limiter(clock, { requestsPerSecond: 10 }), limiter(clock, { requestsPerSecond: 10 })]
  one.beginTelling()
  const ofOwn = { accessKeyId: 'b', limits: { requestsPerSecond: 4 } }
  t.equal(
    admitted(6, () => one.admitKey({ accessKeyId: 'a' })),
    6,
  )
  t.equal(
    admitted(9, () => one.admitKey(ofOwn)),
    4,
  )
  two.addUsage(structuredClone(one.takeUsage()))
  t.same(one.takeUsage(), [], 'told once')
  t.equal(
    admitted(20, () => two.admitKey({ accessKeyId: 'a' })),
    4,
  )
  t.equal(
    admitted(20, () => two.admitKey(ofOwn)),
    0,
  )
  t.same(two.takeUsage(), [], 'what one hears is not told again')
})

t.test('rate limiter: an address is bounded, and so is a /64 of IPv6 as one', async (t) => {
  const limits = limiter(new HandClock(), {}, { requestsPerSecond: 2 })
  t.equal(
    admitted(9, () => limits.admitAddress('192.0.2.7')),
    2,
  )
  t.equal(
    admitted(9, () => limits.admitAddress('192.0.2.8')),
    2,
  )
  let n = 0
  t.equal(
    admitted(9, () => limits.admitAddress(`2001:db8::${n++}`)),
    2,
  )
  t.equal(
    admitted(9, () => limits.admitAddress('2001:db8:0:1::1')),
    2,
  )
  t.equal(
    admitted(9, () => limits.admitAddress(undefined)),
    2,
  )
  const networks = {
    '2001:db8::1': '2001:db8:0:0',
    '2001:0DB8:0000:0001:2:3:4:5': '2001:db8:0:1',
    '::1': '0:0:0:0',
    '::': '0:0:0:0',
    '1:2:3:4:5::': '1:2:3:4',
    '1::2:3:4:5:6:7': '1:0:2:3',
    '64:ff9b::192.0.2.7': '64:ff9b:0:0',
    '192.0.2.7': '192.0.2.7',
  }
  for (const [address, network] of Object.entries(networks)) t.equal(networkOf(address), network, address)
})
