import { CommandFailure } from '../failure.ts'
import type { Retry } from '../s3-client/retry.ts'
import { readXmlTree, textOf } from '../s3-client/xml-tree.ts'
import type { Place } from './context.ts'

export type Versioning = 'Enabled' | 'Suspended' | 'never'

/** Whether the bucket keeps versions; undefined: there is no such bucket. */
export async function readVersioning(
  { endpoint, bucket }: Place,
  retry: Retry,
  signal: AbortSignal,
): Promise<Versioning | undefined> {
  const status = await retry(async () => {
    const answer = await endpoint.find({ method: 'GET', bucket, query: { versioning: '' } }, signal)
    return answer && (textOf(readXmlTree(answer.text), 'Status') ?? 'never')
  }, signal)
  if (status === undefined) return undefined
  return status === 'Enabled' || status === 'Suspended' ? status : 'never'
}

/**
 * Makes the destination's bucket, or sees that it can take what is to come: where versions are copied it has to keep them,
 * and is told to if nothing is in it yet; where locks are, it must have Object Lock. Fault: CommandFailure.
 */
export async function prepareBucket(
  target: Place,
  { keepsVersions, carriesLocks }: { keepsVersions: boolean; carriesLocks: boolean },
  retry: Retry,
  signal: AbortSignal,
): Promise<void> {
  const { endpoint, bucket } = target
  let versioning = await readVersioning(target, retry, signal)
  if (versioning === undefined) {
    const headers: Record<string, string> = carriesLocks ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {}
    await retry(() => endpoint.ask({ method: 'PUT', bucket, headers }, signal), signal)
    versioning = carriesLocks ? 'Enabled' : 'never'
  } else if (carriesLocks && !(await hasObjectLock(target, retry, signal))) {
    throw new CommandFailure(
      `The bucket ${bucket} has no Object Lock: turn it on (aws s3api put-object-lock-configuration), or copy without --locks.`,
    )
  }
  if (!keepsVersions || versioning === 'Enabled') return
  if (!(await isEmpty(target, retry, signal)))
    throw new CommandFailure(
      `The source keeps versions, and the bucket ${bucket} does not, and is not empty: turn versioning on for it, or copy with --current-only.`,
    )
  const body = Buffer.from('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>')
  await retry(() => endpoint.ask({ method: 'PUT', bucket, query: { versioning: '' }, body }, signal), signal)
}

async function hasObjectLock({ endpoint, bucket }: Place, retry: Retry, signal: AbortSignal): Promise<boolean> {
  const query = { 'object-lock': '' }
  return (await retry(() => endpoint.find({ method: 'GET', bucket, query }, signal), signal)) !== undefined
}

async function isEmpty({ endpoint, bucket }: Place, retry: Retry, signal: AbortSignal): Promise<boolean> {
  const query = { versions: '', 'max-keys': '1' }
  const { text } = await retry(() => endpoint.ask({ method: 'GET', bucket, query }, signal), signal)
  return !readXmlTree(text).children.some(({ name }) => name === 'Version' || name === 'DeleteMarker')
}
