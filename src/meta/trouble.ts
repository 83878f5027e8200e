import { StoreFault } from '../base/faults.ts'

/**
 * What kind of trouble a failed call is in:
 * `lost`: the connection is gone, or was never there; `conflict`: rolled back because of others, worth trying again;
 * `busy`: the server cannot do it now. undefined: our own mistake.
 */
export type Trouble = 'lost' | 'conflict' | 'busy'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and what Node and pg say of sockets. */
const LOST_CODES = new Set(
  'ECONNREFUSED ECONNRESET ENOENT EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN 57P01 57P02 57P03 53300'.split(
    ' ',
  ),
)
/** Why a server's certificate is not believed: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODE = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_|ERR_TLS_|ERR_SSL_)/
const LOST_MESSAGE =
  /^Connection terminated|^timeout exceeded when trying to connect|^Query read timeout|connection error and is not queryable|^Client was closed|^timeout expired/
const CONFLICT_CODES = new Set(['40001', '40P01', '55P03'])
/** Cancelled by its time limit; read-only (a standby that is not yet promoted). */
const BUSY_CODES = new Set(['57014', '25006'])

export function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof LostConnection) return 'lost'
  if (!(error instanceof Error)) return undefined
  const code = String((error as { code?: unknown }).code ?? '')
  if (isTlsTrouble(error)) return 'lost'
  if (LOST_CODES.has(code) || code.startsWith('08') || LOST_MESSAGE.test(error.message)) return 'lost'
  if (CONFLICT_CODES.has(code)) return 'conflict'
  if (BUSY_CODES.has(code) || code.startsWith('53') || code.startsWith('58')) return 'busy'
  return undefined
}

/** The connection broke. `sent`: the statement may have been carried out all the same. */
export class LostConnection extends Error {
  readonly sent: boolean
  constructor(sent: boolean, cause: unknown) {
    super('the connection to the metadata database was lost', { cause })
    this.name = 'LostConnection'
    this.sent = sent
  }
}

/** Trouble as the engine sees it: ServiceUnavailable. Faults and mistakes of our own pass as they are. */
export function toFault(error: unknown, outcomeUnknown: boolean): unknown {
  const trouble = troubleOf(error)
  if (!trouble) return error
  const reason = trouble === 'lost' ? lostReason(error) : 'the metadata database is overloaded'
  return new StoreFault('ServiceUnavailable', outcomeUnknown ? { reason, outcomeUnknown } : { reason }, {
    cause: error,
  })
}

/** Who watches the log, or starts a process, is to see that it is not the network. */
function lostReason(error: unknown): string {
  const cause = error instanceof LostConnection ? error.cause : error
  const why = isTlsTrouble(cause) ? `: ${(cause as Error).message}` : ''
  return `the metadata database cannot be reached${why}`
}

/** TLS came to nothing: the server is not who it should be, or has none, or a file that the URL names is not there. */
function isTlsTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return CERTIFICATE_CODE.test(String((error as { code?: unknown }).code ?? '')) || / SSL |, open '/.test(error.message)
}
