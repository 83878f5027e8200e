import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import { noAnswer, refusal, S3Failure } from './s3-failure.ts'
import { pathOf, queryOf, type S3Credentials, Signer, sha256 } from './sign.ts'

/** Listings of 1,000 versions with keys of 1 KiB, coded, are some 4 MiB. */
const TEXT_BYTES_MAX = 32 * 1024 * 1024
/** Of an answer that is an error. */
const ERROR_BYTES_MAX = 64 * 1024

const NOTHING = Buffer.alloc(0)

export interface EndpointOptions {
  url: URL
  region: string
  credentials: S3Credentials
  /** How long not a byte may travel, either way. */
  idleMs: number
  connectionsMax: number
  clock: Clock
}

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  bucket: string
  key?: string
  query?: Readonly<Record<string, string>>
  /** Lower-case names. */
  headers?: Readonly<Record<string, string>>
  body?: Buffer
  /** Instead of `body`. */
  stream?: StreamedBody
}

export interface StreamedBody {
  bytes: Readable
  /** As it travels. More or fewer bytes are a failure. */
  sizeBytes: number
  /** What is said of it instead of a hash. */
  contentSha256: 'UNSIGNED-PAYLOAD' | 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
}

export interface S3Answer {
  status: number
  headers: IncomingHttpHeaders
}

/**
 * An S3 endpoint, path-style, as this program asks it: no retries, for who asks knows best what may be asked again. Whatever
 * is not 2xx is thrown as an S3Failure. Disposed, it closes its connections.
 */
export class S3Endpoint implements Disposable {
  readonly name: string
  readonly #options: EndpointOptions
  readonly #agent: Agent
  readonly #signer: Signer

  constructor(options: EndpointOptions) {
    this.#options = options
    this.name = options.url.origin
    this.#signer = new Signer(options.credentials, options.region)
    const agentOptions = { keepAlive: true, maxSockets: options.connectionsMax, scheduling: 'lifo' as const }
    this.#agent = options.url.protocol === 'https:' ? new SecureAgent(agentOptions) : new Agent(agentOptions)
  }

  /** The answer with a body that is still to be read, or destroyed. */
  async open(request: S3Request, signal: AbortSignal): Promise<S3Answer & { body: IncomingMessage }> {
    const body = await this.#exchange(request, signal)
    const { statusCode: status = 0, headers } = body
    if (status >= 200 && status < 300) return { status, headers, body }
    const text = await this.#textOf(body, ERROR_BYTES_MAX)
    if (request.stream) body.destroy() // what is still to be sent need not be
    throw refusal(status, text, headers)
  }

  /** The answer, read whole. */
  async ask(request: S3Request, signal: AbortSignal): Promise<S3Answer & { text: string }> {
    const { status, headers, body } = await this.open(request, signal)
    return { status, headers, text: await this.#textOf(body, TEXT_BYTES_MAX) }
  }

  /** The same; undefined where there is no such thing (404). */
  async find(request: S3Request, signal: AbortSignal): Promise<(S3Answer & { text: string }) | undefined> {
    try {
      return await this.ask(request, signal)
    } catch (error) {
      if (error instanceof S3Failure && error.status === 404) return undefined
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async #exchange(asked: S3Request, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, idleMs } = this.#options
    const { method, bucket, key = '', query = {}, body = NOTHING, stream } = asked
    const path = pathOf(bucket, key)
    const search = queryOf(query)
    const headers = this.#signedHeaders(asked, { path, query: search })
    const answer = Promise.withResolvers<IncomingMessage>()
    const send = url.protocol === 'https:' ? secureRequest : plainRequest
    const request = send({
      agent: this.#agent,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      method,
      path: search === '' ? path : `${path}?${search}`,
      headers,
      setHost: false,
      signal,
    })
    Object.assign(request, { strictContentLength: true }) // the types know it of answers alone
    request.setTimeout(idleMs, () => request.destroy(new Error(`not a byte for ${idleMs / 1000} s`)))
    request.on('response', answer.resolve).on('error', answer.reject)
    try {
      if (!stream) {
        request.end(body)
        return await answer.promise
      }
      const sent = pipeline(stream.bytes, request)
      // A refusal may come before all is sent; what fails after that is the connection that goes with it.
      const first = await Promise.race([answer.promise, sent.then(() => answer.promise)])
      if ((first.statusCode ?? 0) >= 300) sent.catch(() => {})
      else await sent
      return first
    } catch (error) {
      request.destroy()
      signal.throwIfAborted()
      throw error instanceof S3Failure ? error : noAnswer(this.name, error)
    } finally {
      answer.promise.catch(() => {})
    }
  }

  #signedHeaders(
    { method, headers = {}, body, stream }: S3Request,
    { path, query }: { path: string; query: string },
  ): Record<string, string> {
    const { url, clock } = this.#options
    const contentSha256 = stream?.contentSha256 ?? sha256(body ?? NOTHING)
    const sizeBytes = stream?.sizeBytes ?? body?.length
    const length = sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }
    const all = { ...headers, ...length, host: url.host }
    return this.#signer.sign({ method, path, query, headers: all, contentSha256 }, clock.nowMs())
  }

  async #textOf(body: Readable, bytesMax: number): Promise<string> {
    const pieces: Buffer[] = []
    let bytes = 0
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        bytes += piece.length
        if (bytes > bytesMax) throw new Error('a longer answer than any should be')
        pieces.push(piece)
      }
    } catch (error) {
      throw noAnswer(this.name, error)
    }
    return Buffer.concat(pieces).toString()
  }
}
