import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { formatAmzDate, parseAmzDate, parseHttpDate } from '../names/http-date.ts'
import type { SentHeaders } from './headers.ts'

/**
 * When a request says that it was signed: x-amz-date, else Date; within 15 minutes of now.
 * `timestamp` is `20130524T000000Z`, as SigV4 signs it. Faults: AccessDenied (none, or unreadable), RequestTimeTooSkewed.
 */
export function requestTime(headers: SentHeaders, nowMs: number): { timestamp: string; timeMs: number } {
  const text = headers.get('x-amz-date') ?? headers.get('date')
  const amzMs = text === undefined ? undefined : parseAmzDate(text)
  const timeMs = amzMs ?? (text === undefined ? undefined : parseHttpDate(text, nowMs))
  if (text === undefined || timeMs === undefined) {
    throw new StoreFault('AccessDenied', {
      reason: 'AWS authentication requires a valid Date or x-amz-date header',
    })
  }
  if (Math.abs(timeMs - nowMs) > limits.clockSkewMsMax) {
    throw new StoreFault('RequestTimeTooSkewed', {
      requestTime: formatAmzDate(timeMs),
      serverTime: new Date(nowMs).toISOString(),
    })
  }
  return { timestamp: amzMs === undefined ? formatAmzDate(timeMs) : text, timeMs }
}
