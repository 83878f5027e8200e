import type { Tracing } from '../../tracing/tracing.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import { readVersion } from '../version.ts'
import type { ProcessDeps } from './deps.ts'

/** Undefined, and nothing of OpenTelemetry loaded, where no setting asks for traces. Fault: CommandFailure. */
export async function openTracing({
  settings,
  clock,
}: Pick<ProcessDeps, 'settings' | 'clock'>): Promise<(Tracing & AsyncDisposable) | undefined> {
  const { tracingModule, tracesNameKeys: namesKeys } = settings
  if (tracingModule === undefined) return undefined
  const { loadTracing } = await import('../../tracing/tracing.ts')
  try {
    return await loadTracing(tracingModule, { namesKeys, version: readVersion(), clock })
  } catch (error) {
    const what = `The module of SEXTANT_TRACING_MODULE (${tracingModule}) cannot be used`
    throw new CommandFailure(`${what}: ${messageOf(error)}`, { cause: error })
  }
}
