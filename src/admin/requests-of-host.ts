import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Listening, RequestStream } from './request-stream.ts'

/** Tells of the requests of all gateway processes of this host: our own, and those that tell at `peers`, Unix sockets. */
export function serveRequestsOfHost(
  { stream, peers }: { stream: RequestStream; peers: readonly string[] },
  query: URLSearchParams,
  answer: ServerResponse,
): void {
  const listening = stream.serve(query, answer)
  if (!listening) return
  for (const socketPath of peers) follow(socketPath, query, { listening, answer })
}

/** Until it ends, or the listener goes. A process that is no gateway, or not there, tells nothing. */
function follow(
  socketPath: string,
  query: URLSearchParams,
  { listening, answer }: { listening: Listening; answer: ServerResponse },
): void {
  const request = get({ socketPath, path: `/requests?${query}`, agent: false }, (response) => {
    if (response.statusCode !== 200) return void response.resume()
    // Broken off, it is at its end like any other; an error that nobody heard would end this process.
    response.on('error', () => {})
    eachLine(response, listening.write)
  })
  request.on('error', () => {})
  answer.once('close', () => request.destroy())
}

/** Whole ones, each with its line end. The text is our own: no line is longer than a request's key. */
function eachLine(response: IncomingMessage, take: (line: string) => void): void {
  let rest = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(`${line}\n`)
  })
}
