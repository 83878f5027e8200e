import type { ObjectOwnership } from '../base/access.ts'
import type { AddressList } from '../base/address-list.ts'
import { limits } from '../base/limits.ts'
import type { NotificationTargets } from '../base/notifications/targets.ts'
import type { TlsIdentity } from '../base/tls/identity.ts'

const MIB = 1024 * 1024
const MINUTE_MS = 60_000

export interface S3Settings {
  host: string
  /** 0: any free one. */
  port: number
  /** Other gateway processes of this user may listen there too, and the kernel shares connections out (SO_REUSEPORT). */
  sharesPort?: boolean
  /** With it the endpoint is https. */
  tls?: TlsIdentity | undefined
  region: string
  /** Domains of virtual-host style. */
  domains: readonly string[]
  sigV2: 'off' | 'presigned' | 'all'
  /** The largest object, in bytes; a single PUT or part is bounded by S3's 5 GiB too. */
  objectBytesMax: number
  /** Of objects of which neither client nor bucket says anything. */
  defaultEncryption: 'none' | 'AES256'
  /** For tests: keys travel in the clear. */
  allowsCustomerKeysOverHttp: boolean
  /** What a bucket allows that was made without a word about it; absent: as S3 does today. */
  newBuckets?: { ownership: ObjectOwnership; blocksPublicAccess: boolean }
  /** What lifecycle rules call a day, in ms. */
  lifecycleDayMs: number
  /** Whom buckets may have told of their events. */
  notificationTargets: NotificationTargets
  /** Whose X-Forwarded-For is believed; absent: nobody's. */
  trustedProxies?: AddressList | undefined
  /** Every connection is a trusted proxy's, and begins with a header of the PROXY protocol. */
  hasProxyHeaders?: boolean
  /** Whom it serves at all; absent: everybody. */
  allowedAddresses?: AddressList | undefined
  /** What a connection may take in time and space; each has a default. */
  http?: Partial<HttpLimits>
}

export interface HttpLimits {
  /** For the handshake of TLS, which costs a client nothing to begin. */
  handshakeMs: number
  /** For the header of the PROXY protocol, which a proxy sends at once. */
  proxyHeaderMs: number
  /** For the whole head of a request to come. S3 gives about 20 s; slow lines get more. */
  headersMs: number
  /** Without a byte of a body that is awaited: S3 answers RequestTimeout after about 20 s; proxies may buffer longer. */
  bodyIdleMs: number
  /** For a whole request, against clients that trickle: 5 GiB at 256 KiB/s take 5.7 h. */
  requestMs: number
  /** Without the client taking a byte of an answer. */
  answerIdleMs: number
  /** An idle connection is kept for the next request: longer than common load balancers' 60 s, which must close first. */
  keepAliveMs: number
  /** A slow operation shows that it lives, from then on and this often: SDKs give up after 30 to 60 s of silence. */
  slowAnswerMs: number
  /** All headers of a request: metadata 2 KiB, session tokens, a presigned target with a key of 1,024 escaped bytes. */
  headerBytesMax: number
  connectionsMax: number
  /** Requests of one connection that wait for their answers; one that sends more is closed. No S3 client sends ahead at all. */
  pipelinedRequestsMax: number
  /** XML bodies above 4 KiB while they come, all together: hundreds of those that clients send. */
  documentBytesMax: number
  /** XML above 64 KiB that clients have not taken yet, all together: the kernel takes what is read. */
  answerBytesMax: number
  /** A refused upload's body is read and dropped up to here, so that clients that send before they read see the answer. */
  refusedBodyBytesMax: number
  refusedBodyMs: number
  /** What of them is read in a second, all together: at 32 MiB a sixteenth of the process's time, and 64 MiB in 2 s. */
  refusedBytesPerSecond: number
  /**
   * What Node reads of a body that nobody has asked for yet goes on until it holds so much: one read, 64 KiB at most, where
   * it would be two.
   */
  unaskedBytes: number
}

export const httpDefaults: HttpLimits = {
  handshakeMs: 20_000,
  proxyHeaderMs: 5_000,
  headersMs: MINUTE_MS,
  bodyIdleMs: MINUTE_MS,
  requestMs: 6 * 60 * MINUTE_MS,
  answerIdleMs: 2 * MINUTE_MS,
  keepAliveMs: 75_000,
  slowAnswerMs: 5_000,
  headerBytesMax: 32 * 1024,
  connectionsMax: 20_000,
  pipelinedRequestsMax: 16,
  documentBytesMax: 12 * MIB,
  answerBytesMax: 32 * MIB,
  refusedBodyBytesMax: 64 * MIB,
  refusedBodyMs: 10_000,
  refusedBytesPerSecond: 32 * MIB,
  unaskedBytes: 16 * 1024,
}

/** The largest body of PutObject and UploadPart. */
export function bodyBytesMax(settings: S3Settings): number {
  return Math.min(settings.objectBytesMax, limits.putBytesMax)
}
