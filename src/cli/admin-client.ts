import { get, type IncomingMessage } from 'node:http'
import { get as getSecurely } from 'node:https'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Settings } from '../base/config.ts'
import { CommandFailure, messageOf } from './failure.ts'
import { readRunningStore } from './store-file.ts'
import { dataPaths } from './up/data-paths.ts'

const CONNECT_MS_MAX = 10_000

/** An admin port to be asked. */
export interface AdminPort {
  url: string
  /** A child of ours on this host: its certificate names it as others call it, and need not be believed here. */
  isOurs: boolean
}

/** Those that are named, or that of the store that runs on the data directory. Fault: CommandFailure. */
export function findAdminPorts(settings: Settings, named: readonly string[]): AdminPort[] {
  if (named.length > 0) return named.map((url) => ({ url: checkUrl(url), isOurs: false }))
  const root = resolve(settings.dataDirectory)
  const url = readRunningStore(dataPaths(root).run)?.adminUrl
  if (url !== undefined) return [{ url, isOurs: true }]
  throw new CommandFailure(
    `No store runs on the data directory ${root}: start it by \`sextant up\`, or name its gateways' admin ports by --admin.`,
  )
}

function checkUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '')
  throw new CommandFailure(`${url} is no URL of an admin port, as http://127.0.0.1:8081.`, { exitCode: 2 })
}

/** The answer to a GET, whose body is still to be read. Anything but 200 is a CommandFailure. */
export async function openAdmin(
  { url, isOurs }: AdminPort,
  path: string,
  { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal },
): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { agent: false as const, headers, signal, timeout: CONNECT_MS_MAX, rejectUnauthorized: !isOurs }
    const request = url.startsWith('https:')
      ? getSecurely(`${url}${path}`, options, resolve)
      : get(`${url}${path}`, options, resolve)
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', reject)
    request.on('response', (response) => response.socket.setTimeout(0))
  }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new CommandFailure(`The admin port ${url} does not answer: ${messageOf(error)}`, { cause: error })
  })
  if (answer.statusCode === 200) return answer
  throw new CommandFailure(
    `The admin port ${url} refused ${path.split('?')[0]}: ${answer.statusCode} ${await text(answer)}`,
  )
}
