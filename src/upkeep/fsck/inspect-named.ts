import type { PartId, ServerNumber } from '../../base/ids.ts'
import { DATA_CHUNKS } from '../../base/limits.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkDescription, ChunkName } from '../../engine/ports/chunk-store.ts'
import type { ChunkDamage } from '../../engine/ports/damage-reports.ts'
import { recordedHash } from '../../striping/checksum.ts'
import type { CheckContext } from './check-store.ts'
import { tell } from './report.ts'

/** A part as its row has it, and what was seen of its chunks, by index. */
export interface ExpectedPart {
  layout: PartLayout
  /** Of each chunk. */
  payloadBytes: number
  /** 0: not listed where the row has it. 1: listed. 2: listed, with another length. */
  listed: Uint8Array
  /** 1: missing or damaged. */
  bad: Uint8Array
}

export interface NamedOnServer {
  server: ServerNumber
  expected: ReadonlyMap<PartId, ExpectedPart>
  /** What the rows have on this server. */
  names: readonly ChunkName[]
  /** False: it was removed for good, and its chunks with it. */
  isThere: boolean
}

/** Chunks that are looked at in one go. */
const CHUNKS_AT_ONCE = 5_000

/** Looks at the chunks that rows have on a server; what is wrong is reported, and queued for repair if that is wanted. */
export async function inspectNamed(
  context: CheckContext,
  { server, expected, names, isThere }: NamedOnServer,
  signal: AbortSignal,
): Promise<void> {
  const { readsHeaders } = context.options
  const suspects = readsHeaders ? names : names.filter(({ partId, index }) => expected.get(partId)!.listed[index] !== 1)
  for (let at = 0; at < suspects.length; at += CHUNKS_AT_ONCE) {
    const group = suspects.slice(at, at + CHUNKS_AT_ONCE)
    const wrong = isThere
      ? await findWrong(context, { server, expected, names: group }, signal)
      : group.map((name) => ({ ...name, isMissing: true, why: 'its server was removed' }))
    if (wrong.length > 0) await settle(context, { server, expected, wrong }, signal)
  }
}

interface WrongChunk extends ChunkName {
  isMissing: boolean
  why: string
}

async function findWrong(
  { chunks }: CheckContext,
  { server, expected, names }: Omit<NamedOnServer, 'isThere'>,
  signal: AbortSignal,
): Promise<WrongChunk[]> {
  const wrong: WrongChunk[] = []
  for await (const { partId, index, description, failure } of chunks.describeChunks(server, names, signal)) {
    const isMissing = failure?.failure === 'not-found'
    const why = failure ? failure.message : differenceOf(expected.get(partId)!, index, description)
    if (why !== undefined) wrong.push({ partId, index, isMissing, why })
  }
  return wrong
}

/** What a chunk says of itself that its part's row does not; undefined: nothing. */
function differenceOf(
  { layout, listed }: ExpectedPart,
  index: number,
  { header, trailer }: ChunkDescription,
): string | undefined {
  if (listed[index] === 2) return 'its length is not that of its part'
  const hasLayout =
    header.dataChunks === DATA_CHUNKS &&
    header.parityChunks === layout.parityChunks &&
    header.blockBytes === layout.blockBytes &&
    trailer.partBytes === layout.sizeBytes
  if (!hasLayout) return 'it was cut in another way than its part says'
  return trailer.chunkHash.equals(recordedHash(layout, index)) ? undefined : 'its hash is not the one of its part'
}

/** Only what rows still have there counts: it may have been deleted or moved since. */
async function settle(
  { catalogue, options, report }: CheckContext,
  { server, expected, wrong }: { server: ServerNumber; expected: NamedOnServer['expected']; wrong: WrongChunk[] },
  signal: AbortSignal,
): Promise<void> {
  const standings = await catalogue.judgeChunks({ server, chunks: wrong }, signal)
  const damages: ChunkDamage[] = []
  for (const [n, { partId, index, isMissing, why }] of wrong.entries()) {
    if (standings[n] !== 'named') continue
    expected.get(partId)!.bad[index] = 1
    report[isMissing ? 'missing' : 'damaged'] += 1
    tell(report, { kind: isMissing ? 'missing' : 'damaged', partId, index, server, why })
    damages.push({ partId, index, server, why: `fsck: ${why}` })
  }
  if (options.mends && damages.length > 0) report.queued += await catalogue.queueDamage(damages, signal)
}
