import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** HTTP/1.1 byte by byte: what libraries will not send (twice the same header, a body that lies), and what they hide (interim answers). */
export interface WireRequest {
  method: string
  /** As it goes out, query included. */
  path: string
  headers: readonly (readonly [name: string, value: string])[]
  /** Written in this order. */
  body?: readonly Uint8Array[]
  /** The body is held back until a 100 or a final answer comes. */
  awaitContinue?: boolean
  /** The sending side is closed after the body, however much was promised. */
  endEarly?: boolean
}

export interface WireResponse {
  /** 0: the server closed the connection without an answer. */
  status: number
  /** Lower-case names; several of one name are joined by a comma. */
  headers: Record<string, string>
  body: Buffer
  /** Interim answers before the final one, in order. */
  interim: number[]
  /** Whether the body was sent (or began to be). */
  bodySent: boolean
}

const ANSWER_MS_MAX = 30_000

/** One request on a connection of its own. */
export async function exchange(endpoint: URL, request: WireRequest): Promise<WireResponse> {
  await using connection = await openConnection(endpoint)
  return await connection.exchange(request)
}

export interface WireConnection extends AsyncDisposable {
  exchange(request: WireRequest): Promise<WireResponse>
  readonly closed: boolean
}

export async function openConnection(endpoint: URL): Promise<WireConnection> {
  const socket = await dial(endpoint)
  const reader = new ByteReader(socket)
  return {
    get closed() {
      return reader.ended
    },
    exchange: (request) => exchangeOn(socket, reader, request),
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

async function dial(endpoint: URL): Promise<Socket> {
  const secure = endpoint.protocol === 'https:'
  const port = Number(endpoint.port || (secure ? 443 : 80))
  const host = endpoint.hostname.replace(/^\[|\]$/g, '')
  const name = isIP(host) ? {} : { servername: host }
  const socket = secure ? connectTls({ host, port, ...name }) : connectTcp({ host, port })
  await new Promise<void>((resolve, reject) => {
    socket.once(secure ? 'secureConnect' : 'connect', resolve)
    socket.once('error', reject)
  })
  // Without an end of file of its own the socket must outlive the server's half-close to be read dry.
  socket.on('error', () => {})
  socket.setNoDelay(true)
  return socket
}

async function exchangeOn(socket: Socket, reader: ByteReader, request: WireRequest): Promise<WireResponse> {
  const lines = request.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(Buffer.from(`${request.method} ${request.path} HTTP/1.1\r\n${lines}\r\n`))
  let bodySent = false
  const sendBody = async () => {
    bodySent = true
    for (const piece of request.body ?? []) {
      if (reader.ended || socket.destroyed) return
      if (!socket.write(piece)) await drained(socket)
    }
    if (request.endEarly) socket.end()
  }
  let sending = request.awaitContinue ? undefined : sendBody()
  const interim: number[] = []
  const late = AbortSignal.timeout(ANSWER_MS_MAX)
  const giveUp = () => void socket.destroy()
  late.addEventListener('abort', giveUp)
  try {
    for (;;) {
      const head = await reader.head()
      if (head === undefined) return { status: 0, headers: {}, body: Buffer.alloc(0), interim, bodySent }
      const { status, headers } = parseHead(head)
      if (status < 200) {
        interim.push(status)
        sending ??= sendBody()
        continue
      }
      const body = await readBody(reader, request.method, status, headers)
      // Half of it is no answer of the server's.
      late.throwIfAborted()
      return { status, headers, body, interim, bodySent }
    }
  } finally {
    late.removeEventListener('abort', giveUp)
    await sending
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      socket.off('end', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
    socket.on('end', done)
  })
}

function parseHead(head: string): { status: number; headers: Record<string, string> } {
  const [first = '', ...lines] = head.split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1])
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return { status, headers }
}

async function readBody(
  reader: ByteReader,
  method: string,
  status: number,
  headers: Record<string, string>,
): Promise<Buffer> {
  if (method === 'HEAD' || status === 204 || status === 304) return Buffer.alloc(0)
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') return await readChunked(reader)
  if (headers['content-length'] !== undefined) return await reader.take(Number(headers['content-length']))
  return await reader.rest()
}

async function readChunked(reader: ByteReader): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (;;) {
    const size = Number.parseInt(await reader.line(), 16)
    if (!(size > 0)) break
    pieces.push(await reader.take(size))
    await reader.line()
  }
  while ((await reader.line()) !== '');
  return Buffer.concat(pieces)
}

/** Pulls lines and counted bytes out of what the socket pushes. */
class ByteReader {
  ended = false
  /** Joined when they are looked at, not as they come: TLS brings large bodies in thousands of them. */
  #pieces: Buffer[] = []
  #size = 0
  #wake: (() => void) | undefined
  constructor(socket: Socket) {
    socket.on('data', (data: Buffer) => {
      this.#pieces.push(data)
      this.#size += data.length
      this.#wake?.()
    })
    const end = () => {
      this.ended = true
      this.#wake?.()
    }
    socket.on('end', end)
    socket.on('close', end)
  }

  /** A head without its empty line; undefined when the connection ended first. */
  async head(): Promise<string | undefined> {
    for (;;) {
      const at = this.#held.indexOf('\r\n\r\n')
      if (at >= 0) return this.#cut(at, 4).toString('latin1')
      if (!(await this.#more())) return undefined
    }
  }

  async line(): Promise<string> {
    for (;;) {
      const at = this.#held.indexOf('\r\n')
      if (at >= 0) return this.#cut(at, 2).toString('latin1')
      if (!(await this.#more())) return ''
    }
  }

  /** `size` bytes, or fewer when the connection ends. */
  async take(size: number): Promise<Buffer> {
    while (this.#size < size && (await this.#more()));
    return this.#cut(Math.min(size, this.#size), 0)
  }

  async rest(): Promise<Buffer> {
    while (await this.#more());
    return this.#cut(this.#size, 0)
  }

  get #held(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)]
    return this.#pieces[0]!
  }

  #cut(size: number, skip: number): Buffer {
    const held = this.#held
    this.#pieces = [held.subarray(size + skip)]
    this.#size = held.length - size - skip
    return held.subarray(0, size)
  }

  async #more(): Promise<boolean> {
    if (this.ended) return false
    const size = this.#size
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    return this.#size > size
  }
}
