import type { Bucket, CompressionKind } from '../../base/model.ts'
import type { Meta } from '../../meta/connect.ts'
import { parseBucketName } from '../../s3api/names/bucket-name.ts'
import { CommandFailure } from '../failure.ts'
import { withMeta } from './store-access.ts'

export function showBucket(name: string) {
  return withMeta(async (meta, signal) => {
    const { ownerId, createdAt, versioning, settings } = await find(meta, name, signal)
    return {
      name,
      owner: ownerId as string,
      created: createdAt.toISOString(),
      versioning: versioning || 'never',
      compression: settings.compression ?? 'default',
    }
  })
}

/** `undefined`: as the store's settings say. */
export function setCompression(name: string, compression: CompressionKind | undefined): Promise<void> {
  return withMeta(async (meta, signal) => {
    const bucket = await find(meta, name, signal)
    await meta.catalogue.changeBucketSetting({ bucket, name: 'compression', value: compression }, signal)
  })
}

async function find({ catalogue }: Meta, name: string, signal: AbortSignal): Promise<Bucket> {
  const bucket = await catalogue.findBucket(parseBucketName(name), signal)
  if (!bucket) throw new CommandFailure(`There is no bucket ${name}.`)
  return bucket
}
