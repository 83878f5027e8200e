import { StoreFault } from '../base/faults.ts'
import type { ObjectPart, PartLayout } from '../base/model.ts'
import { isPacked, readPacked } from './compression/read-packed.ts'
import type { EngineDeps } from './deps.ts'
import type { ByteRange, FoundObject } from './engine.ts'
import { readPart } from './read-part.ts'

/** Layouts that are looked up at once, behind those that came with the object. */
const LAYOUTS_AT_ONCE = 64

/** The bytes of a range of an object, over all of its parts. */
export async function* readObject(
  deps: EngineDeps,
  found: FoundObject,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const touched = partsTouched(found.object?.parts ?? [], range)
  const known = new Map(found.layouts.map((layout) => [layout.partId, layout]))
  for (const [i, { part, first, last }] of touched.entries()) {
    const layout = known.get(part.partId!) ?? (await lookUp(i))
    yield* isPacked(layout)
      ? readPacked(deps, layout, { first, last }, signal, found.dataKey)
      : readPart(deps, layout, { first, last }, signal, found.dataKey)
  }

  async function lookUp(from: number): Promise<PartLayout> {
    const ids = touched.slice(from, from + LAYOUTS_AT_ONCE).map(({ part }) => part.partId!)
    for (const layout of await deps.catalogue.findParts(ids, signal)) if (layout) known.set(layout.partId, layout)
    const layout = known.get(ids[0]!)
    if (!layout) throw new StoreFault('DataUnavailable', { partId: ids[0]!, reason: 'The catalogue has no such part.' })
    return layout
  }
}

/** The parts that a range touches, and what of each: inclusive offsets within the part. */
function partsTouched(
  parts: readonly ObjectPart[],
  { first, last }: ByteRange,
): { part: ObjectPart; first: number; last: number }[] {
  const touched: { part: ObjectPart; first: number; last: number }[] = []
  let start = 0
  for (const part of parts) {
    const end = start + part.sizeBytes
    if (part.partId !== undefined && first < end && last >= start) {
      touched.push({ part, first: Math.max(0, first - start), last: Math.min(part.sizeBytes - 1, last - start) })
    }
    start = end
  }
  return touched
}
