import { ChunkError } from '../../base/faults.ts'
import { NOWHERE, type PartId, type ServerNumber } from '../../base/ids.ts'
import { DATA_CHUNKS } from '../../base/limits.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkFilter } from '../../engine/ports/chunk-store.ts'
import { payloadBytes } from '../../striping/layout.ts'
import { namedChunks } from '../named-chunks.ts'
import type { CheckContext, PartRange } from './check-store.ts'
import { type ExpectedPart, inspectNamed } from './inspect-named.ts'
import { Strangers } from './judge-strangers.ts'
import { tell } from './report.ts'

/** Checks one range on all servers at once; adds what it finds to the report. */
export async function checkRange(context: CheckContext, range: PartRange, signal: AbortSignal): Promise<void> {
  const { report, cluster, silent } = context
  const expected = new Map(range.layouts.map((layout) => [layout.partId, expect(layout)]))
  const members = [...cluster.servers().values()].filter(({ status }) => status !== 'removed')
  const named = namedChunks(range.layouts)
  const ask = async (server: ServerNumber, work: () => Promise<void>) => {
    if (silent.has(server)) return
    try {
      await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ChunkError)) throw error
      silent.add(server)
    }
  }
  // First on all servers what lies there: a chunk that one misses may be found on another one.
  await Promise.all(
    members.map(({ number: server }) => ask(server, () => listServer(context, { server, range, expected }, signal))),
  )
  await Promise.all(
    members.map(({ number: server }) => {
      const names = named.get(server) ?? []
      return ask(server, () => inspectNamed(context, { server, expected, names, isThere: true }, signal))
    }),
  )
  for (const [server, names] of named) {
    if (members.some(({ number }) => number === server)) continue
    await inspectNamed(context, { server, expected, names, isThere: false }, signal)
  }
  report.parts += range.layouts.length
  for (const [partId, part] of expected) countPart(context, partId, part)
}

function expect(layout: PartLayout): ExpectedPart {
  const count = layout.servers.length
  return { layout, payloadBytes: payloadBytes(layout), listed: new Uint8Array(count), bad: new Uint8Array(count) }
}

interface ServerRange {
  server: ServerNumber
  range: PartRange
  expected: ReadonlyMap<PartId, ExpectedPart>
}

async function listServer(context: CheckContext, order: ServerRange, signal: AbortSignal): Promise<void> {
  const { server, range, expected } = order
  const filter: ChunkFilter = {}
  if (range.after !== undefined) filter.after = range.after
  if (range.until !== undefined) filter.until = range.until
  const strangers = new Strangers(context, server)
  for await (const found of context.chunks.listChunks(server, filter, signal)) {
    for (const chunk of found) {
      const part = expected.get(chunk.partId)
      if (part?.layout.servers[chunk.index] === server) part.listed[chunk.index] = isOfLength(chunk, part) ? 1 : 2
      else await strangers.add(chunk, signal)
    }
  }
  await strangers.finish(signal)
}

function isOfLength(chunk: { payloadBytes: number }, part: ExpectedPart): boolean {
  return chunk.payloadBytes === part.payloadBytes
}

function countPart({ report, silent }: CheckContext, partId: PartId, { layout, bad }: ExpectedPart): void {
  let good = 0
  for (const [index, server] of layout.servers.entries()) {
    if (server === NOWHERE) {
      report.missing += 1
      tell(report, { kind: 'missing', partId, index, why: 'its row says that it is nowhere; it waits for repair' })
    } else if (silent.has(server)) {
      report.unchecked += 1
      good += 1 // as far as is known
    } else {
      report.chunks += 1
      if (bad[index] === 0) good += 1
    }
  }
  if (good >= DATA_CHUNKS) return
  report.unreadableParts += 1
  tell(report, { kind: 'unreadable', partId, why: `only ${good} of its chunks are good, six are needed` })
}
