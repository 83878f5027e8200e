/** What HTTP/2 numbers (RFC 9113, sections 6 and 7). */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const

export const H2Code = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const
export type H2Code = (typeof H2Code)[keyof typeof H2Code]

/** The other side broke the protocol: the whole connection ends with this code. */
export class H2Error extends Error {
  readonly code: H2Code
  constructor(code: H2Code, reason: string) {
    super(`HTTP/2: ${reason}`)
    this.name = 'H2Error'
    this.code = code
  }
}

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const FRAME_HEADER_BYTES = 9
/** Both windows before any SETTINGS, and for good the connection's until WINDOW_UPDATE. */
export const DEFAULT_WINDOW_BYTES = 65_535
export const DEFAULT_FRAME_BYTES_MAX = 16_384
/** No peer may allow more. */
export const FRAME_BYTES_MAX = 16_777_215
export const WINDOW_BYTES_MAX = 0x7fff_ffff
