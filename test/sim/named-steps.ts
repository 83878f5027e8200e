import type { Chance } from './world/chance.ts'
import type { PlannedKill } from './world/steps.ts'

/** Before a call goes out, when it is carried out and not yet answered, and when its answer is there. */
const CALL = ['to be sent', 'done', 'answered'] as const
const STREAM = ['chunk being written', 'chunk to be finished', 'chunk finished'] as const

function calls(work: string, ...methods: string[]): string[] {
  return methods.flatMap((method) => CALL.map((moment) => `${work}: ${method} ${moment}`))
}

/** Every step of what must survive a kill anywhere: at each of them somebody is killed, many times. */
export const NAMED_STEPS: readonly string[] = [
  ...calls('put', 'putChunk', 'commitObject', 'deleteChunks', 'doomUncommitted'),
  ...STREAM.map((step) => `put: ${step}`),
  ...calls('upload part', 'findUpload', 'putChunk', 'commitPart'),
  ...STREAM.map((step) => `upload part: ${step}`),
  ...calls('complete', 'findUpload', 'listParts', 'completeUpload'),
  ...calls('copy', 'copyObject'),
  ...calls('delete', 'deleteObjects'),
  // Repair, rebalance and drain.
  ...calls('upkeep', 'claimRepairs', 'findUnwantedServers', 'planRepair', 'describeChunk', 'getPayload', 'putChunk'),
  ...calls('upkeep', 'commitRepair', 'failRepair', 'queueParts', 'surveyParts', 'queueDamage', 'verifyChunks'),
  // Sweeps.
  ...calls('upkeep', 'findDoomedParts', 'deleteChunks', 'forgetDoomedParts', 'claimStrays', 'forgetStrays'),
  ...calls('upkeep', 'findExpiredSessions', 'listChunks', 'findUnknownParts', 'forgetSession', 'expireUploads'),
  // Puts, deletes and compaction, on a node's disk.
  ...['create', 'write', 'dataSync', 'unlink', 'syncDirectory', 'truncate'].map((step) => `node: ${step} segments`),
  ...['create', 'write', 'dataSync', 'unlink'].map((step) => `node: ${step} tmp`),
  ...['rename', 'unlink', 'syncDirectory'].map((step) => `node: ${step} chunks`),
  ...['rename', 'unlink'].map((step) => `node: ${step} hints`),
]

/** Those that few runs come to. */
const RARE_STEPS: readonly string[] = [
  ...calls('put', 'doomUncommitted'),
  'put: chunk finished',
  'upload part: chunk to be finished',
  'upload part: chunk finished',
  ...calls('copy', 'copyObject'),
  ...calls('upkeep', 'planRepair', 'putChunk', 'commitRepair', 'failRepair', 'queueParts', 'queueDamage'),
  'node: unlink segments',
  'node: unlink hints',
]
const RARE_SHARE = 0.3

const KILLS = 8
/** Rare steps are reached a few times in a run. */
const NTH_MAX = [1, 1, 2, 5, 30]

/** Where somebody is killed in one run, if it comes to that. */
export function drawKills(chance: Chance): PlannedKill[] {
  const rare = RARE_STEPS.filter(() => chance.happens(RARE_SHARE)).map((step) => ({ step, nth: 1 }))
  const some = Array.from({ length: KILLS }, () => ({
    step: chance.one(NAMED_STEPS),
    nth: 1 + chance.integer(chance.one(NTH_MAX)),
  }))
  return [...rare, ...some]
}
