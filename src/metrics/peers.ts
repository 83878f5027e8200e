import { rm } from 'node:fs/promises'
import { createServer, get, type RequestListener } from 'node:http'
import type { Log } from '../base/log.ts'
import type { Family } from './metric.ts'

export type Collect = () => Promise<Family[]>

/** What one process may tell at once: some ten thousand series. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024
const ASK_MS_MAX = 2_000

/**
 * Tells a process's families, as JSON, to whoever connects to a Unix socket: the process that serves /metrics for its host.
 * `others` answers what is asked there by another path than `/`; absent: 404.
 */
export async function tellFamilies(
  path: string,
  { collect, log, others }: { collect: Collect; log: Log; others?: RequestListener | undefined },
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    if (request.url !== '/') return others ? others(request, response) : void response.writeHead(404).end()
    collect().then(
      (families) => response.end(JSON.stringify(families)),
      (error: unknown) => {
        log.warn({ err: error }, 'the metrics could not be gathered')
        response.writeHead(500).end()
      },
    )
  })
  await rm(path, { force: true }) // of a process that was killed
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** What the process at that socket tells; undefined: it does not, or not in time. */
export async function askFamilies(path: string): Promise<Family[] | undefined> {
  try {
    return JSON.parse(await fetchText(path)) as Family[]
  } catch {
    return undefined
  }
}

function fetchText(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path: '/', agent: false, timeout: ASK_MS_MAX }, (response) => {
      const pieces: Buffer[] = []
      let bytes = 0
      response.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error('too long an answer'))
        pieces.push(piece)
      })
      response.on('error', reject)
      response.on('end', () => resolve(Buffer.concat(pieces).toString()))
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', reject)
  })
}
