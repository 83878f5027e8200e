import { StoreFault } from '../../src/base/faults.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { Catalogue } from '../../src/engine/ports/catalogue.ts'
import type { PayloadRange } from '../../src/engine/ports/chunk-store.ts'
import { blockChecksum, CHECKSUM_BYTES, chunkSeeds } from '../../src/striping/checksum.ts'
import { blockBytesOf, payloadOffset, stripeCount } from '../../src/striping/layout.ts'
import type { GatewayDeps } from './world/gateway.ts'
import type { Twist } from './world/twist.ts'

export interface Twin {
  twist: Twist
  /** In runs without any trouble. */
  isCalm?: true
  /** What it is found out by. */
  finds: RegExp
}

const UNREADABLE = /cannot be read|DataUnavailable/
const UNORDERED = /no order explains/
const WAIT_MS = 3_000

/** Stores that break a promise, each in one way. */
export const twins: Readonly<Record<string, Twin>> = {
  'disks that forget what was synced': {
    twist: { forgets: 'syncs' },
    finds: /cannot be read|not what|not-found|damaged/,
  },
  'disks that forget synced writes': { twist: { forgets: 'synced writes' }, finds: UNREADABLE },
  'disks that forget names': { twist: { forgets: 'names' }, finds: /cannot be read|no such chunk|is missing/ },
  'blocks are not verified': {
    twist: {
      chunks: (chunks, deps) => ({
        ...chunks,
        getPayload: async (server, range, signal) =>
          resealed(await chunks.getPayload(server, range, signal), range, layoutOf(deps, range)),
      }),
    },
    finds: /wrong bytes were served/,
  },
  'chunks are deleted without a grace': { twist: { doomedGraceSeconds: 0 }, isCalm: true, finds: UNREADABLE },
  'conditions are not judged': {
    twist: changedCatalogue((real) => ({
      commitObject: (commit, signal) => real.commitObject({ ...commit, condition: {} }, signal),
    })),
    finds: UNORDERED,
  },
  'a put is acknowledged before it is committed': {
    twist: changedCatalogue((real, { timeline }) => ({
      async commitObject(commit, signal) {
        timeline.after(WAIT_MS, () => void real.commitObject(commit, signal).catch(() => {}))
        return { versionId: 'null' as never, committedAt: new Date(0) }
      },
    })),
    finds: UNORDERED,
  },
  'a delete is acknowledged before it is committed': {
    twist: changedCatalogue((real, { timeline }) => ({
      async deleteObjects(bucketId, targets, signal) {
        timeline.after(WAIT_MS, () => void real.deleteObjects(bucketId, targets, signal).catch(() => {}))
        return targets.map(() => ({ versionId: undefined, isDeleteMarker: false }))
      },
    })),
    finds: UNORDERED,
  },
  'look-ups are remembered for a while': { twist: rememberingCatalogue(), finds: UNORDERED },
  'a commit of which nothing was heard counts as refused': {
    twist: changedCatalogue((real) => ({
      commitObject: (commit, signal) =>
        real.commitObject(commit, signal).catch((error: unknown) => {
          const isUnknown =
            error instanceof StoreFault && 'outcomeUnknown' in error.detail && error.detail.outcomeUnknown
          throw isUnknown ? new StoreFault('PreconditionFailed', { condition: 'If-Match' }) : error
        }),
    })),
    finds: /no order explains|cannot be read/,
  },
  'copies do not count as references': {
    twist: changedCatalogue((real, { database }) => ({
      async copyObject(copy, signal) {
        const { parts } = database.database.rows
        const copied = await real.copyObject(copy, signal)
        database.database.rows.parts = parts
        return copied
      },
    })),
    finds: /references|cannot be read|DataUnavailable/,
  },
  'deleted objects keep their parts': {
    twist: changedCatalogue((real, { database }) => ({
      async deleteObjects(bucketId, targets, signal) {
        const { parts, doomed } = database.database.rows
        const deleted = await real.deleteObjects(bucketId, targets, signal)
        Object.assign(database.database.rows, { parts, doomed })
        return deleted
      },
    })),
    finds: /references/,
  },
  'sessions are forgotten unswept': {
    twist: {
      sweeps: (sweeps) => ({
        ...sweeps,
        async findExpiredSessions(signal) {
          for (const session of await sweeps.findExpiredSessions(signal)) await sweeps.forgetSession(session, signal)
          return []
        },
      }),
    },
    finds: /no row names it/,
  },
  'doomed parts are forgotten, and their chunks stay': {
    twist: {
      sweeps: (sweeps) => ({
        ...sweeps,
        async findDoomedParts(query, signal) {
          const doomed = await sweeps.findDoomedParts(query, signal)
          await sweeps.forgetDoomedParts(
            doomed.map(({ partId }) => partId),
            signal,
          )
          return []
        },
      }),
    },
    finds: /no row names it/,
  },
  'chunks of living parts count as doomed': {
    twist: {
      sweeps: (sweeps, { database }) => ({
        ...sweeps,
        async findDoomedParts(query, signal) {
          const found = await sweeps.findDoomedParts(query, signal)
          const [other] = query.after === '' ? database.database.rows.parts.values() : []
          return found.length === 0 && other ? [{ ...other.layout, doomedAt: new Date(0) }] : found
        },
      }),
    },
    finds: /cannot be read|DataUnavailable|no such chunk|come to rest/,
  },
  'damage is not queued for repair': {
    twist: { repairs: (repairs) => ({ ...repairs, queueDamage: async () => 0 }) },
    finds: /is damaged|no such chunk|cut short|^chunk/m,
  },
  'a repair names chunks that it never wrote': {
    twist: {
      repairs: (repairs) => ({
        ...repairs,
        commitRepair: (commit, signal) =>
          repairs.commitRepair({ ...commit, moves: commit.moves.map((move) => ({ ...move, index: 0 })) }, signal),
      }),
    },
    finds: /no such chunk|no row names it|come to rest|cannot be read/,
  },
}

function changedCatalogue(change: (real: Catalogue, deps: GatewayDeps) => Partial<Catalogue>): Twist {
  return { catalogue: (real, deps) => ({ ...real, ...change(real, deps) }) }
}

function rememberingCatalogue(): Twist {
  const known = new Map<string, { atMs: number; found: ReturnType<Catalogue['findObject']> }>()
  return changedCatalogue((real, { timeline }) => ({
    findObject(query, signal) {
      const before = known.get(query.key)
      const ageMs = timeline.nowMs - (before?.atMs ?? 0)
      if (before && ageMs >= 0 && ageMs < WAIT_MS) return before.found
      const found = real.findObject(query, signal)
      known.set(query.key, { atMs: timeline.nowMs, found })
      return found
    },
  }))
}

function layoutOf({ database }: GatewayDeps, { partId }: PayloadRange): PartLayout | undefined {
  return database.database.rows.parts.get(partId)?.layout
}

/** With checksums that match, whatever the blocks are: as if nobody looked at them. */
function resealed(payload: Buffer, { partId, index, offset, length }: PayloadRange, layout?: PartLayout): Buffer {
  if (!layout) return payload
  const seed = chunkSeeds(partId, index + 1)[index]!
  for (let stripe = 0; stripe < stripeCount(layout); stripe++) {
    const at = payloadOffset(layout, stripe) - offset
    const blockBytes = blockBytesOf(layout, stripe)
    if (at < 0 || at + blockBytes + CHECKSUM_BYTES > length) continue
    payload.writeUInt32LE(blockChecksum(seed, stripe, payload.subarray(at, at + blockBytes)), at + blockBytes)
  }
  return payload
}
