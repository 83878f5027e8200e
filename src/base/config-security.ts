import { addressList, bytes, filePath, flag, integer, seconds } from './config-kinds.ts'
import { inGroup, KIB, s3Side, TIB } from './config-setting.ts'

const security = inGroup('Security')

/** Settings of who is let in, how often, and what is written down of it. */
export const securitySettings = {
  auditLog: security({
    name: 'SEXTANT_AUDIT_LOG',
    kind: filePath(1024),
    default: undefined,
    readBy: s3Side,
    about:
      'A file to which every request is appended as a line of JSON, refused ones too. Moved away (logrotate), it is made anew within seconds, or at once on SIGHUP, which stops no gateway then. Not set: nowhere. docs/security.md tells more.',
  }),
  trustedProxies: security({
    name: 'SEXTANT_TRUSTED_PROXIES',
    kind: addressList,
    default: undefined,
    readBy: s3Side,
    about:
      "Balancers and proxies whose X-Forwarded-For is believed: it then says the client's address in policies (aws:SourceIp), lists of allowed addresses, limits and logs. Their X-Forwarded-Proto says whether the client came by TLS (aws:SecureTransport, SSE-C). From anybody else these headers count for nothing. Each has to append to the first the address that it has the request from, and to set the second.",
  }),
  proxyProtocol: security({
    name: 'SEXTANT_PROXY_PROTOCOL',
    kind: flag,
    default: 'false',
    readBy: s3Side,
    about:
      "Every connection to the S3 port begins with a header of the PROXY protocol, version 1 or 2, that names the client's address (haproxy: send-proxy, send-proxy-v2), and comes from SEXTANT_TRUSTED_PROXIES; all others are closed. For balancers that pass TLS on unopened; those that speak HTTP say it by X-Forwarded-For.",
  }),
  proxyHeaderMs: security({
    name: 'SEXTANT_PROXY_HEADER_SECONDS',
    kind: seconds({ min: 0.1, max: 60 }),
    default: '5',
    readBy: s3Side,
    about: 'Within how long that header has to come: proxies send it at once.',
  }),
  allowedAddresses: security({
    name: 'SEXTANT_ALLOWED_ADDRESSES',
    kind: addressList,
    default: undefined,
    readBy: s3Side,
    about:
      'The addresses that the S3 endpoint serves; all others get 403 AccessDenied for everything but `GET /health`. Not set: it serves all. `sextant key allow` does the same for a key.',
  }),
  keyRequestsPerSecond: security({
    name: 'SEXTANT_KEY_REQUESTS_PER_SECOND',
    kind: integer({ min: 1, max: 1_000_000 }),
    default: undefined,
    readBy: s3Side,
    about:
      'Requests a second of one access key; more are refused with 503 SlowDown. `sextant key limit` says otherwise for a key. Not set: as many as come.',
  }),
  keyBytesPerSecond: security({
    name: 'SEXTANT_KEY_BYTES_PER_SECOND',
    kind: bytes({ min: KIB, max: TIB }),
    default: undefined,
    readBy: s3Side,
    about: 'Bytes a second, up and down, of one access key. Not set: as many as come.',
  }),
  addressRequestsPerSecond: security({
    name: 'SEXTANT_ADDRESS_REQUESTS_PER_SECOND',
    kind: integer({ min: 1, max: 1_000_000 }),
    default: undefined,
    readBy: s3Side,
    about: 'Requests a second from one address, or one /64 of IPv6. Not set: as many as come.',
  }),
  addressBytesPerSecond: security({
    name: 'SEXTANT_ADDRESS_BYTES_PER_SECOND',
    kind: bytes({ min: KIB, max: TIB }),
    default: undefined,
    readBy: s3Side,
    about: 'Bytes a second, up and down, of one address, or one /64 of IPv6. Not set: as many as come.',
  }),
} as const
