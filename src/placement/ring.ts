import { assert, StoreFault } from '../base/faults.ts'
import type { PartId, ServerNumber } from '../base/ids.ts'
import { chunkPoint, chunkPoints } from './ring-hash.ts'

export { loadRingHash, virtualNodePoints } from './ring-hash.ts'

/** A server as the ring sees it. */
export interface RingServer {
  number: ServerNumber
  /** Where it stands: servers that may fail together share a zone. Empty: not known. */
  zone: string
  /** Unsigned 64 bits each. */
  points: readonly bigint[]
}

/**
 * All servers' points in order, in typed arrays: a look-up is a binary search on plain numbers. Never changed; a new one
 * is made when the servers change. Every gateway makes the same of the same servers, in whatever order they come.
 */
export interface Ring {
  /** The points' upper and lower halves. */
  readonly high: Uint32Array
  readonly low: Uint32Array
  /** The owner of each point: an index into `servers`. */
  readonly owners: Uint16Array
  /** In order of number. */
  readonly servers: readonly ServerNumber[]
  /** The zone of each server, numbered from 1; 0 for one without. */
  readonly zones: Uint16Array
  readonly zoneCount: number
}

const SERVERS_MAX = 65_535

/** Equal points belong first to the server with the lower number. A server without points takes no part. */
export function buildRing(servers: readonly RingServer[]): Ring {
  assert(servers.length <= SERVERS_MAX, `a ring has at most ${SERVERS_MAX} servers`)
  const sorted = servers.filter(({ points }) => points.length > 0).toSorted((a, b) => a.number - b.number)
  const zoneNames = [...new Set(sorted.map(({ zone }) => zone))].filter((zone) => zone !== '').toSorted()
  const pointCount = sorted.reduce((sum, { points }) => sum + points.length, 0)
  const high = new Uint32Array(pointCount)
  const low = new Uint32Array(pointCount)
  const owners = new Uint16Array(pointCount)
  let filled = 0
  for (const [owner, { points }] of sorted.entries()) {
    for (const point of points) {
      const half = halves(point)
      high[filled] = half.high
      low[filled] = half.low
      owners[filled] = owner
      filled += 1
    }
  }
  // They stand in order of server number, and so do their indexes: that breaks the tie.
  const order = Uint32Array.from(owners.keys()).sort((a, b) => high[a]! - high[b]! || low[a]! - low[b]! || a - b)
  return {
    high: order.map((i) => high[i]!),
    low: order.map((i) => low[i]!),
    owners: Uint16Array.from(order, (i) => owners[i]!),
    servers: sorted.map(({ number }) => number),
    zones: Uint16Array.from(sorted, ({ zone }) => zoneNames.indexOf(zone) + 1),
    zoneCount: zoneNames.length,
  }
}

/** The server at the first point clockwise, `point` itself included; undefined on an empty ring. O(log points). */
export function homeOf(ring: Ring, point: bigint): ServerNumber | undefined {
  return ring.owners.length === 0 ? undefined : ring.servers[ring.owners[firstAtOrBehind(ring, point)]!]
}

/**
 * The server of each chunk of a part. Each walks clockwise from its own point, and passes over servers that are not
 * usable, or hold ceil(chunks / usable servers) chunks of this part already; with two or more zones, also those whose zone
 * holds ceil(chunks / zones), unless there is no other place. Servers without a zone count for none.
 * The same for every gateway that finds the same servers usable. Fault: ServiceUnavailable when none is.
 */
export function placePart(
  ring: Ring,
  partId: PartId,
  chunks: number,
  isUsable: (server: ServerNumber) => boolean,
): ServerNumber[] {
  const spread = new Spread(ring, chunks, isUsable)
  if (spread.usableCount === 0) {
    throw new StoreFault('ServiceUnavailable', { reason: 'No storage server takes new chunks.' })
  }
  return chunkPoints(partId, chunks).map((point) => {
    const server = spread.firstFrom(point)
    spread.add(server)
    return ring.servers[server]!
  })
}

/**
 * How many of `members` servers must take chunks for a part to be written. All but as many as it has parity chunks; or
 * fewer, if none would have to hold more of it than that even so, or would anyway in so small a cluster. With less than
 * that, what is acknowledged would be lost with any one server, where the whole cluster is large enough to promise more.
 */
export function serversNeeded({
  chunks,
  parity,
  members,
}: {
  chunks: number
  parity: number
  members: number
}): number {
  if (Math.ceil(chunks / members) > parity) return 1
  return Math.max(1, Math.min(members - parity, Math.ceil(chunks / parity)))
}

/**
 * Where chunk `index` of a part goes when its server failed, by the rules of placePart. `placed`: where all of the part's
 * chunks are now, 0 for nowhere; what it says of `index` itself does not count. The failed server must not be usable.
 * Undefined when no server is.
 */
export function nextServer(
  ring: Ring,
  partId: PartId,
  index: number,
  placed: readonly ServerNumber[],
  isUsable: (server: ServerNumber) => boolean,
): ServerNumber | undefined {
  assert(index >= 0 && index < placed.length, 'a chunk of the part')
  const spread = new Spread(ring, placed.length, isUsable)
  if (spread.usableCount === 0) return undefined
  for (const [chunk, number] of placed.entries()) {
    const server = chunk === index ? -1 : ring.servers.indexOf(number)
    if (server >= 0) spread.add(server)
  }
  return ring.servers[spread.firstFrom(chunkPoint(partId, index))]
}

/** How the chunks of one part are spread so far, and where the next one may go. Servers by their index in the ring. */
class Spread {
  readonly usableCount: number
  readonly #ring: Ring
  readonly #usable: Uint8Array
  /** Chunks of the part on each server, and in each zone. */
  readonly #onServer: Uint8Array
  readonly #inZone: Uint8Array
  readonly #serverMax: number
  readonly #zoneMax: number

  constructor(ring: Ring, chunks: number, isUsable: (server: ServerNumber) => boolean) {
    assert(Number.isInteger(chunks) && chunks > 0 && chunks < 256, 'a part has 1 to 255 chunks')
    const { servers } = ring
    this.#ring = ring
    this.#onServer = new Uint8Array(servers.length)
    this.#inZone = new Uint8Array(ring.zoneCount + 1)
    this.#usable = new Uint8Array(servers.length)
    let usableCount = 0
    for (let server = 0; server < servers.length; server++) {
      if (!isUsable(servers[server]!)) continue
      this.#usable[server] = 1
      usableCount += 1
    }
    this.usableCount = usableCount
    this.#serverMax = Math.ceil(chunks / usableCount)
    const zones =
      ring.zoneCount < 2 ? 0 : new Set(ring.zones.filter((zone, i) => zone !== 0 && this.#usable[i] === 1)).size
    this.#zoneMax = zones < 2 ? chunks : Math.ceil(chunks / zones)
  }

  add(server: number): void {
    const zone = this.#ring.zones[server]!
    this.#onServer[server]! += 1
    if (zone !== 0) this.#inZone[zone]! += 1
  }

  /** The first usable server clockwise that has room, in a zone that has room; the zones' limit gives way by steps. */
  firstFrom(point: bigint): number {
    const { owners } = this.#ring
    const start = firstAtOrBehind(this.#ring, point)
    for (let zoneMax = this.#zoneMax; zoneMax < 256; zoneMax++) {
      for (let i = start; i < owners.length; i++) if (this.#hasRoom(owners[i]!, zoneMax)) return owners[i]!
      for (let i = 0; i < start; i++) if (this.#hasRoom(owners[i]!, zoneMax)) return owners[i]!
    }
    throw new Error('unreachable: of the usable servers, one holds less than its share')
  }

  #hasRoom(server: number, zoneMax: number): boolean {
    return (
      this.#usable[server] === 1 &&
      this.#onServer[server]! < this.#serverMax &&
      this.#inZone[this.#ring.zones[server]!]! < zoneMax
    )
  }
}

/** The index of the first point that is not below `point`, 0 behind the last: binary search on halves, for speed. */
function firstAtOrBehind({ high, low }: Ring, point: bigint): number {
  const { high: pointHigh, low: pointLow } = halves(point)
  let from = 0
  let to = high.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const isBelow = high[middle]! < pointHigh || (high[middle] === pointHigh && low[middle]! < pointLow)
    if (isBelow) from = middle + 1
    else to = middle
  }
  return from === high.length ? 0 : from
}

function halves(point: bigint): { high: number; low: number } {
  return { high: Number(point >> 32n), low: Number(point & 0xffff_ffffn) }
}
