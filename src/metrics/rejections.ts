import type { TurnedAway } from '../base/meters.ts'

/** S3's codes that say that a request was turned away, by why. All other codes are answers to what was asked. */
const REASONS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'authentication',
  SignatureDoesNotMatch: 'authentication',
  RequestTimeTooSkewed: 'authentication',
  AuthorizationHeaderMalformed: 'authentication',
  AuthorizationQueryParametersError: 'authentication',
  ExpiredToken: 'authentication',
  InvalidToken: 'authentication',
  MissingSecurityHeader: 'authentication',
  AccessDenied: 'permission',
  AccessForbidden: 'permission',
  AccountProblem: 'permission',
  SlowDown: 'overload',
  ServiceUnavailable: 'unavailable',
  InsufficientStorage: 'no-space',
  RequestTimeout: 'time-out',
}

const BEFORE_REQUESTS: readonly TurnedAway[] = [
  'connections',
  'pipelining',
  'not-http',
  'no-handshake',
  'no-proxy-header',
]

/** All that there are. */
export const rejectionReasons: readonly string[] = [...new Set(Object.values(REASONS)), ...BEFORE_REQUESTS]

export function rejectionOf(code: string): string | undefined {
  return REASONS[code]
}
