import { CHUNK_STORE } from '../base/wire/bounds.ts'
import { getPayloadMessage } from '../base/wire/stream-messages.ts'
import {
  DeleteChunksRequest,
  DeleteChunksResponse,
  DescribeChunksRequest,
  DescribeChunksResponse,
  GetChunkRequest,
  ListChunksRequest,
  ListChunksResponse,
  StatRequest,
  StatResponse,
  VerifyChunksRequest,
  VerifyChunksResponse,
} from '../gen/sextant/chunk/v1/chunk.ts'
import type { Batches } from './batch.ts'
import { deleteChunks, describeChunks, listChunks, stat, verifyChunks } from './chunk-jobs.ts'
import type { NodeContext } from './context.ts'
import { getChunk } from './get-chunk.ts'
import type { Health } from './health.ts'
import { putChunk } from './put-chunk.ts'
import { answerMany, answerOnce } from './rpc/answer.ts'
import type { Method } from './rpc/server.ts'

const HEALTH = '/grpc.health.v1.Health'

/** The services of a node, by path (proto/). */
export function nodeMethods(
  context: NodeContext,
  { batches, health }: { batches: Batches; health: Health },
): ReadonlyMap<string, Method> {
  const list = { request: ListChunksRequest, response: encoderOf(ListChunksResponse) }
  const describe = { request: DescribeChunksRequest, response: encoderOf(DescribeChunksResponse) }
  const verify = { request: VerifyChunksRequest, response: encoderOf(VerifyChunksResponse) }
  return new Map([
    [`${CHUNK_STORE}/PutChunk`, putChunk(context)],
    [
      `${CHUNK_STORE}/GetChunk`,
      answerMany(context, { request: GetChunkRequest, response: getPayloadMessage }, getChunk),
    ],
    [`${CHUNK_STORE}/Batch`, batches.method],
    [
      `${CHUNK_STORE}/DeleteChunks`,
      answerOnce(context, { request: DeleteChunksRequest, response: DeleteChunksResponse }, deleteChunks),
    ],
    [`${CHUNK_STORE}/ListChunks`, answerMany(context, list, listChunks)],
    [`${CHUNK_STORE}/VerifyChunks`, answerMany(context, verify, verifyChunks)],
    [`${CHUNK_STORE}/DescribeChunks`, answerMany(context, describe, describeChunks)],
    [`${CHUNK_STORE}/Stat`, answerOnce(context, { request: StatRequest, response: StatResponse }, stat)],
    [`${HEALTH}/Check`, health.check],
    [`${HEALTH}/Watch`, health.watch],
  ])
}

function encoderOf<T>(codec: { encode(message: T): { finish(): Uint8Array } }): (message: T) => Uint8Array[] {
  return (message) => [codec.encode(message).finish()]
}
