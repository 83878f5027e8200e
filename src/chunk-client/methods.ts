import { CHUNK_STORE } from '../base/wire/bounds.ts'

/** The calls of the protocol, by their paths (test/chunk-client/methods.test.ts holds them against proto/). */
export const paths = {
  putChunk: `${CHUNK_STORE}/PutChunk`,
  getChunk: `${CHUNK_STORE}/GetChunk`,
  batch: `${CHUNK_STORE}/Batch`,
  deleteChunks: `${CHUNK_STORE}/DeleteChunks`,
  listChunks: `${CHUNK_STORE}/ListChunks`,
  verifyChunks: `${CHUNK_STORE}/VerifyChunks`,
  describeChunks: `${CHUNK_STORE}/DescribeChunks`,
  stat: `${CHUNK_STORE}/Stat`,
  checkHealth: '/grpc.health.v1.Health/Check',
} as const
