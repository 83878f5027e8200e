import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Target } from './target.ts'

/** rclone, provider Other, set up by its environment alone; what it talks to is `store:BUCKET/PATH`. */
export function rcloneEnvironment({ target }: { target: Target }, home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    RCLONE_CONFIG: '/notfound',
    RCLONE_CONFIG_STORE_TYPE: 's3',
    RCLONE_CONFIG_STORE_PROVIDER: 'Other',
    RCLONE_CONFIG_STORE_ENDPOINT: target.endpoint.href.replace(/\/$/, ''),
    RCLONE_CONFIG_STORE_ACCESS_KEY_ID: target.owner.accessKeyId,
    RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: target.owner.secretAccessKey,
    ...(target.certificate && { RCLONE_CA_CERT: target.certificate }),
  }
}

export function s3cmdEnvironment(_: { target: Target }, home: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', NO_PROXY: '*' }
}

/** Tells s3cmd in its home where the store is and whose; the rest is its default. */
export function writeS3cmdSettings(home: string, { owner, endpoint }: Target): Promise<void> {
  return writeFile(
    join(home, '.s3cfg'),
    `[default]
access_key = ${owner.accessKeyId}
secret_key = ${owner.secretAccessKey}
host_base = ${endpoint.host}
host_bucket = ${endpoint.host}
use_https = False
`,
  )
}
