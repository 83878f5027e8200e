import { join, resolve } from 'node:path'
import { Slots } from '../../engine/slots.ts'
import { withCommandDeps } from '../command-deps.ts'
import { asFailure, CommandFailure } from '../failure.ts'
import type { ImportContext } from '../import/context.ts'
import { importBucket } from '../import/import-bucket.ts'
import { type ImportFailure, Tally } from '../import/tally.ts'
import { openUploadNotes } from '../import/upload-notes.ts'
import { S3Endpoint } from '../s3-client/endpoint.ts'
import { findStore, parseEndpoint } from '../s3-client/find-store.ts'
import { readIdentity } from '../s3-client/identity.ts'
import { createRetry } from '../s3-client/retry.ts'
import type { ImportOptions } from './import.ts'
import { repeatProgress } from './progress-line.ts'
import { showCount, showRounded, showSeconds } from './show.ts'

/** Failures that are told one by one to people; all are in the JSON. */
const FAILURES_SHOWN_MAX = 100

export interface ImportOutcome {
  ok: boolean
  isDryRun: boolean
  source: string
  target: string
  keys: number
  copied: number
  markers: number
  bytes: number
  present: number
  unverified: number
  locksLeftOut: number
  gone: number
  retries: number
  failed: number
  failures: ImportFailure[]
  seconds: number
}

export function runImport(
  source: string,
  options: ImportOptions,
  progress: (line: string) => void,
): Promise<ImportOutcome> {
  return withCommandDeps(progress, async (deps) => {
    const from = parseSource(source)
    const { settings, clock, random, env } = deps
    const isDryRun = options.dryRun ?? false
    const identity = readIdentity(env, 'the source')
    const sourceUrl = parseEndpoint('--endpoint', options.endpoint ?? `https://s3.${identity.region}.amazonaws.com`)
    const shared = { clock, idleMs: settings.importIdleMs, connectionsMax: 2 * settings.importConcurrency + 4 }
    using there = new S3Endpoint({ ...shared, ...identity, url: sourceUrl })
    using here = new S3Endpoint({ ...shared, ...(await findStore(settings, '--to-endpoint', options.toEndpoint)) })
    const tally = new Tally()
    const target = { endpoint: here, bucket: options.to ?? from.bucket }
    const names = { source: `${there.name}/${from.bucket}`, target: `${here.name}/${target.bucket}` }
    const carriesLocks = options.locks ?? false
    // What was begun without locks would end without.
    const noted = JSON.stringify(carriesLocks ? { ...names, carriesLocks } : names)
    const notes = openUploadNotes(join(resolve(settings.dataDirectory), 'imports'), noted)
    const onRetry = (error: unknown) => {
      tally.retries++
      deps.log.debug({ err: error }, 'tried again')
    }
    const context: ImportContext = {
      source: { endpoint: there, bucket: from.bucket },
      target,
      transfers: new Slots(settings.importConcurrency),
      retry: createRetry({ attempts: settings.importAttempts, waitMs: settings.importRetryMs, clock, random, onRetry }),
      tally,
      notes,
      etagsAreMd5: !options.etagIsNoMd5,
      carriesLocks,
      partBytes: settings.importPartBytes,
    }
    const order = {
      prefix: from.prefix,
      isCurrentOnly: options.currentOnly ?? false,
      isDryRun,
      concurrency: settings.importConcurrency,
    }
    const startedMs = clock.nowMs()
    using _shown = repeatProgress(clock, progress, (seconds) => progressOf(tally, seconds))
    try {
      await importBucket(context, order, deps.signal)
    } catch (error) {
      if (deps.signal.aborted)
        throw new CommandFailure(`The import was ${(deps.signal.reason as Error).message}: run it again to go on.`)
      throw asFailure('The import cannot go on', error)
    }
    notes.close()
    return outcomeOf(tally, { ...names, isDryRun, seconds: (clock.nowMs() - startedMs) / 1000 })
  })
}

function parseSource(source: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(source) ?? []
  if (bucket === undefined)
    throw new CommandFailure(`${source} is no source: it must be s3://BUCKET or s3://BUCKET/PREFIX.`, { exitCode: 2 })
  return { bucket, prefix }
}

function progressOf(tally: Tally, seconds: number): string {
  const { total, copied, markers, present, presentBytes, bytes, failed } = tally
  const done = copied + markers + present + failed
  const rate = bytes / Math.max(1, seconds)
  const left = total ? secondsLeft(tally, seconds) : undefined
  return [
    total ? `${done} of ${showCount(total.versions, 'version')}` : showCount(done, 'version'),
    `${showRounded(bytes + presentBytes)}${total ? ` of ${showRounded(total.bytes)}` : ''}`,
    `${showRounded(rate)}/s`,
    ...(left === undefined ? [] : [`${showSeconds(left)} left`]),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(', ')
}

/** By what takes longer: bytes, or versions. */
function secondsLeft({ total, copied, markers, present, presentBytes, bytes, failed }: Tally, seconds: number): number {
  const versions = total!.versions - copied - markers - present - failed
  const byVersions = versions / Math.max(1, (copied + markers) / Math.max(1, seconds))
  const byBytes = (total!.bytes - presentBytes - bytes) / Math.max(1, bytes / Math.max(1, seconds))
  return Math.max(0, byVersions, byBytes)
}

function outcomeOf(
  tally: Tally,
  more: Pick<ImportOutcome, 'source' | 'target' | 'isDryRun' | 'seconds'>,
): ImportOutcome {
  const { keys, copied, markers, bytes, present, unverified, locksLeftOut, gone, retries, failed, failures } = tally
  const counted = { keys, copied, markers, bytes, present, unverified, locksLeftOut, gone, retries, failed, failures }
  return { ok: failed === 0, ...more, ...counted }
}

export function importLines(outcome: ImportOutcome): string[] {
  const { isDryRun, copied, markers, bytes, present, keys, unverified, locksLeftOut, gone, failed, failures } = outcome
  const shown = failures.slice(0, FAILURES_SHOWN_MAX)
  return [
    `${outcome.source} → ${outcome.target}: ${showCount(keys, 'key')}`,
    `${isDryRun ? 'to copy     ' : 'copied      '} ${showCount(copied, 'version')} (${showRounded(bytes)}), ${showCount(markers, 'delete marker')}`,
    `here already ${showCount(present, 'version')}`,
    ...(unverified > 0
      ? [`unverified   ${unverified}: the source says nothing that their bytes could be held against`]
      : []),
    ...(locksLeftOut > 0
      ? [
          `unlocked     ${locksLeftOut}: they have a retention or a hold at the source, and none here (--locks carries them)`,
        ]
      : []),
    ...(gone > 0 ? [`gone         ${gone}: deleted at the source meanwhile`] : []),
    ...(failed > 0 ? [`NOT COPIED   ${showCount(failed, 'version')}:`] : []),
    ...shown.map(
      ({ key, versionId, reason }) => `  ${JSON.stringify(key)}${versionId ? ` ${versionId}` : ''}: ${reason}`,
    ),
    ...(failures.length > shown.length ? [`  and ${failures.length - shown.length} more keys: --json has them`] : []),
  ]
}
