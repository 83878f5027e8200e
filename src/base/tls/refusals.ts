import type { TLSSocket } from 'node:tls'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** Hears why somebody was not let in, and from where they called. */
export type OnRefused = (reason: string, remote: string | undefined) => void

/** Why a caller is not of the cluster; undefined: it is. */
export function refusalOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined
  if (socket.getPeerX509Certificate() === undefined) return 'it shows no certificate'
  return REASONS[String(socket.authorizationError)] ?? `its certificate is not good (${socket.authorizationError})`
}

/** OpenSSL's codes, as Node passes them on: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/ */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is a clock wrong?',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of another CA',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of another CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of another CA',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of another CA',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of another CA',
  CERT_SIGNATURE_FAILURE: 'its certificate is of another CA',
  INVALID_PURPOSE: 'its certificate is not for calling others',
}

/** Why a handshake came to nothing. */
export function handshakeFailure({ code = '', message }: NodeJS.ErrnoException): string {
  if (PLAIN_CODES.has(code)) return 'it does not speak TLS'
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'its handshake took too long'
  if (code === 'ECONNRESET') return 'it went away during the handshake: does it take our certificate?'
  return `the handshake failed (${code || message})`
}

const PLAIN_CODES = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_RECORD_LAYER_FAILURE',
])

/** Whoever knocks in a loop fills no log: each reason is told of once in so long. */
const TELL_MS = 5_000

/** Tells of refusals in the log, with how many of the kind there were since the last line. */
export function tellRefusals({ clock, log }: { clock: Clock; log: Log }): OnRefused {
  const told = new Map<string, { atMs: number; untold: number }>()
  return (reason, remote) => {
    const known = told.get(reason)
    if (known && clock.nowMs() < known.atMs + TELL_MS) {
      known.untold++
      return
    }
    // Reasons are few; what OpenSSL might make of bad input is bounded all the same.
    if (told.size > 100) told.clear()
    told.set(reason, { atMs: clock.nowMs(), untold: 0 })
    log.warn({ remote, reason, ...(known && { untold: known.untold }) }, 'a caller was not let in')
  }
}
