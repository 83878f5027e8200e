import { resolve } from 'node:path'
import type { Settings } from '../../base/config.ts'
import { CommandFailure } from '../failure.ts'
import { findRootCredentials } from '../secrets-at-hand.ts'
import { readRunningStore } from '../store-file.ts'
import { dataPaths } from '../up/data-paths.ts'
import type { S3Identity } from './identity.ts'

/** This store's endpoint, as `option` gives it, else of the store that runs on the data directory; its root's keys. */
export async function findStore(
  settings: Settings,
  option: string,
  given: string | undefined,
): Promise<S3Identity & { url: URL }> {
  const root = resolve(settings.dataDirectory)
  const endpoint = given ?? readRunningStore(dataPaths(root).run)?.endpoint
  if (endpoint === undefined)
    throw new CommandFailure(
      `No store runs on the data directory ${root}: start it by \`sextant up\`, or name its S3 endpoint by ${option}.`,
    )
  const credentials = await findRootCredentials(settings)
  return { url: parseEndpoint(option, endpoint), region: settings.region, credentials }
}

/** Fault: CommandFailure. */
export function parseEndpoint(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.username === '')
    return url
  throw new CommandFailure(`${option} must be the URL of an S3 endpoint, as http://127.0.0.1:9000.`, { exitCode: 2 })
}
