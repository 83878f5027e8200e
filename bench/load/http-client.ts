import { connect, type Socket } from 'node:net'
import type { Client, Moved } from './drive.ts'

/** One HTTP request, ready to be sent: signing and formatting cost nothing while the clock runs. */
export interface ReadyRequest {
  head: Buffer
  body?: Buffer
  /** The response has no body, whatever its Content-Length says. */
  isHead?: boolean
}

export interface Address {
  host: string
  port: number
}

/** Called with each response's body: costs copying. */
export type OnBody = (n: number, body: Buffer) => void

/** Sends requests over a keep-alive connection of its own; one that breaks fails its request and is renewed. */
export class HttpClient implements Client {
  readonly #address: Address
  readonly #request: (n: number) => ReadyRequest
  readonly #onBody: OnBody | undefined
  #connection: Connection | undefined

  constructor(address: Address, request: (n: number) => ReadyRequest, onBody?: OnBody) {
    this.#address = address
    this.#request = request
    this.#onBody = onBody
  }

  async call(n: number): Promise<Moved> {
    const request = this.#request(n)
    try {
      if (!this.#connection?.isOpen) this.#connection = await Connection.open(this.#address)
      const response = await this.#connection.exchange(request, this.#onBody !== undefined)
      if (response.status >= 300) throw new Error(response.text)
      this.#onBody?.(n, response.body)
      return { bytesIn: response.bodyBytes, bytesOut: request.body?.length ?? 0 }
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}

interface Response {
  status: number
  bodyBytes: number
  body: Buffer
  text: string
}

/** What is read at once. */
const READ_BYTES = 256 * 1024
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** A connection with one request under way. Reads into one reused buffer: bodies are counted, not kept. */
class Connection {
  readonly #socket: Socket
  #onData: (bytes: Buffer) => void = () => {}
  #onEnd: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', (error) => this.#onEnd(error))
    socket.on('close', () => this.#onEnd(new Error('the connection was closed')))
  }

  static async open({ host, port }: Address): Promise<Connection> {
    let connection: Connection | undefined
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer,
        callback: (size) => {
          if (connection) connection.#onData(buffer.subarray(0, size))
          return true
        },
      },
    })
    connection = new Connection(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return connection
  }

  get isOpen(): boolean {
    return this.#socket.writable
  }

  exchange(request: ReadyRequest, keepBody: boolean): Promise<Response> {
    return new Promise((resolve, reject) => {
      const reader = new ResponseReader(request.isHead ?? false, keepBody)
      this.#onEnd = reject
      this.#onData = (bytes) => {
        if (!reader.take(bytes)) return
        this.#onEnd = () => {}
        this.#onData = () => {}
        resolve(reader.response())
      }
      this.#socket.write(request.head)
      if (request.body) this.#socket.write(request.body)
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

class ResponseReader {
  readonly #isHead: boolean
  readonly #keepBody: boolean
  #head = Buffer.alloc(0)
  #status = 0
  /** undefined: chunked; then the body counts with its coding, and is over where a piece ends as a last chunk does. */
  #expected: number | undefined
  #bodyBytes = 0
  readonly #kept: Buffer[] = []

  constructor(isHead: boolean, keepBody: boolean) {
    this.#isHead = isHead
    this.#keepBody = keepBody
  }

  /** True: that was all. */
  take(bytes: Buffer): boolean {
    if (this.#status > 0) return this.#takeBody(bytes)
    const all = Buffer.concat([this.#head, bytes])
    const end = all.indexOf('\r\n\r\n') + 4
    this.#head = all
    if (end < 4) return false
    this.#head = all.subarray(0, end)
    const text = this.#head.toString('latin1')
    this.#status = Number(text.slice(9, 12))
    const isChunked = !this.#isHead && /\r\ntransfer-encoding: *chunked/i.test(text)
    this.#expected = isChunked
      ? undefined
      : this.#isHead
        ? 0
        : Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
    return this.#takeBody(all.subarray(end))
  }

  response(): Response {
    const body = Buffer.concat(this.#kept)
    const text = `${this.#head.toString('latin1')}${body.toString('utf8').slice(0, 500)}`
    return { status: this.#status, bodyBytes: this.#bodyBytes, body, text }
  }

  #takeBody(bytes: Buffer): boolean {
    this.#bodyBytes += bytes.length
    if (this.#keepBody || this.#status >= 300) this.#kept.push(Buffer.from(bytes))
    if (this.#expected !== undefined) return this.#bodyBytes >= this.#expected
    return bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
  }
}
