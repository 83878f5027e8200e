/** The calls of the protocol, by their paths (test/chunk-client/methods.test.ts holds them against proto/). */
export const paths = {
  putChunk: '/sextant.chunk.v1.ChunkStore/PutChunk',
  getChunk: '/sextant.chunk.v1.ChunkStore/GetChunk',
  batch: '/sextant.chunk.v1.ChunkStore/Batch',
  deleteChunks: '/sextant.chunk.v1.ChunkStore/DeleteChunks',
  listChunks: '/sextant.chunk.v1.ChunkStore/ListChunks',
  verifyChunks: '/sextant.chunk.v1.ChunkStore/VerifyChunks',
  describeChunks: '/sextant.chunk.v1.ChunkStore/DescribeChunks',
  stat: '/sextant.chunk.v1.ChunkStore/Stat',
  checkHealth: '/grpc.health.v1.Health/Check',
} as const
