/** Bounds that S3 sets, and bounds of our own that are not worth a setting. Sizes in bytes, times in ms. */
const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

export const limits = {
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
  keyBytesMax: 1024,
  userMetadataBytesMax: 2 * KIB,
  putBytesMax: 5 * GIB,
  partBytesMin: 5 * MIB,
  partNumberMax: 10_000,
  listKeysMax: 1000,
  deleteKeysMax: 1000,
  xmlBytesMax: MIB,
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html: without white space. */
  policyBytesMax: 20 * KIB,
  deleteXmlBytesMax: 2 * MIB,
  bucketsPerAccountMax: 10_000,
  presignedSecondsMax: 604_800,
  clockSkewMsMax: 15 * 60_000,
  /** A frame header of aws-chunked: hex size, signature, CRLF, with room to spare. */
  chunkedFrameHeaderBytesMax: 8 * KIB,
  chunkedTrailerBytesMax: 8 * KIB,
} as const

/** Six data chunks, always (the design's one constant). */
export const DATA_CHUNKS = 6
/** Parity chunks, at most. */
export const PARITY_CHUNKS_MAX = 6
/** Points of a server on the ring. */
export const VIRTUAL_NODES = 150
