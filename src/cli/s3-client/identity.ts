import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../base/config.ts'
import { CommandFailure } from '../failure.ts'
import type { S3Credentials } from './sign.ts'

const REGION_DEFAULT = 'us-east-1'

/** As whom an endpoint is asked that is not the store's own. */
export interface S3Identity {
  credentials: S3Credentials
  region: string
}

/**
 * From AWS_ACCESS_KEY_ID and its like, else from the profile that AWS_PROFILE names in the files of the AWS tools. Never from
 * the command line, where anybody on the machine can read it. `forWhat` ends the sentence of a CommandFailure: for the source.
 */
export function readIdentity(env: Environment, forWhat: string): S3Identity {
  const profile = env.AWS_PROFILE || 'default'
  const config = readProfile(env.AWS_CONFIG_FILE || join(homedir(), '.aws', 'config'), [`profile ${profile}`, profile])
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || config?.region || REGION_DEFAULT
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
    return { region, credentials: { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined } }
  }
  const file = env.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws', 'credentials')
  const kept = { ...config, ...readProfile(file, [profile]) }
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey } = kept
  if (accessKeyId && secretAccessKey)
    return { region, credentials: { accessKeyId, secretAccessKey, sessionToken: kept.aws_session_token } }
  throw new CommandFailure(
    `There are no keys for ${forWhat}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile in ${file}.`,
    { exitCode: 2 },
  )
}

/** A section of an ini file, by the first of the names that is there; undefined: neither file nor section. */
function readProfile(file: string, names: readonly string[]): Record<string, string> | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  const sections = new Map<string, Record<string, string>>()
  let current: Record<string, string> = {}
  for (const line of text.split(/\r?\n/)) {
    const [, section] = /^\s*\[\s*(.+?)\s*\]/.exec(line) ?? []
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (section !== undefined) {
      current = {}
      sections.set(section, current)
    } else if (name !== undefined && value !== undefined) current[name] = value
  }
  return names.map((name) => sections.get(name)).find((found) => found !== undefined)
}
