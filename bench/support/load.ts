import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

/** One HTTP request, ready to be sent: signing and formatting cost nothing while the clock runs. */
export interface ReadyRequest {
  head: Buffer
  body?: Buffer
  /** The response has no body, whatever its Content-Length says. */
  isHead?: boolean
}

export interface Work {
  host: string
  port: number
  /** Connections, each with one request under way. */
  clients: number
  /** Requests altogether. */
  operations: number
  request(n: number): ReadyRequest
  /** Called with each response's body, if given: for checking; costs copying. */
  check?(n: number, body: Buffer): void
}

export interface LoadResult {
  operations: number
  failures: number
  /** Of failures, the first response's text. */
  firstFailure: string
  seconds: number
  bytesIn: number
  bytesOut: number
  latencyMs: { p50: number; p90: number; p99: number; max: number }
}

/** Sends all requests over raw sockets, `clients` at a time; a connection that breaks fails its request and is renewed. */
export async function drive(work: Work): Promise<LoadResult> {
  const latencies = new Float64Array(work.operations)
  const result = { failures: 0, firstFailure: '', bytesIn: 0, bytesOut: 0 }
  let next = 0
  const started = performance.now()
  const client = async () => {
    let connection: Connection | undefined
    while (next < work.operations) {
      const n = next++
      const request = work.request(n)
      const sentAt = performance.now()
      try {
        connection ??= await Connection.open(work)
        const response = await connection.exchange(request, work.check !== undefined)
        result.bytesIn += response.bodyBytes
        result.bytesOut += request.body?.length ?? 0
        if (response.status >= 300) throw new Error(response.text)
        work.check?.(n, response.body)
      } catch (error) {
        result.failures++
        result.firstFailure ||= String(error)
        connection?.close()
        connection = undefined
      }
      latencies[n] = performance.now() - sentAt
    }
    connection?.close()
  }
  await Promise.all(Array.from({ length: work.clients }, client))
  const seconds = (performance.now() - started) / 1000
  latencies.sort()
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    operations: work.operations,
    seconds,
    ...result,
    latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
  }
}

interface Response {
  status: number
  bodyBytes: number
  body: Buffer
  text: string
}

/** A keep-alive connection with one request under way. Reads into one reused buffer: bodies are counted, not kept. */
class Connection {
  readonly #socket: Socket
  #onData: (bytes: Buffer) => void = () => {}
  #onEnd: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', (error) => this.#onEnd(error))
    socket.on('close', () => this.#onEnd(new Error('the connection was closed')))
  }

  static async open({ host, port }: { host: string; port: number }): Promise<Connection> {
    let connection: Connection | undefined
    const buffer = Buffer.allocUnsafe(256 * 1024)
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

  exchange(request: ReadyRequest, keepBody: boolean): Promise<Response> {
    return new Promise((resolve, reject) => {
      let head = Buffer.alloc(0)
      let response: (Response & { expected: number; kept: Buffer[] }) | undefined
      const finish = () => {
        this.#onEnd = () => {}
        this.#onData = () => {}
        const body = Buffer.concat(response!.kept)
        resolve({ ...response!, body, text: `${head.toString('latin1')}${body.toString('utf8').slice(0, 500)}` })
      }
      const takeBody = (bytes: Buffer) => {
        response!.bodyBytes += bytes.length
        if (keepBody || response!.status >= 300) response!.kept.push(Buffer.from(bytes))
        if (response!.bodyBytes >= response!.expected) finish()
      }
      this.#onEnd = reject
      this.#onData = (bytes) => {
        if (response) return takeBody(bytes)
        head = Buffer.concat([head, bytes])
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        const rest = head.subarray(end + 4)
        head = head.subarray(0, end + 4)
        const text = head.toString('latin1')
        const expected = request.isHead ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0)
        response = { status: Number(text.slice(9, 12)), bodyBytes: 0, body: rest, text: '', expected, kept: [] }
        if (response.status === 100) {
          response = undefined
          head = Buffer.from(rest)
        } else takeBody(rest)
      }
      this.#socket.write(request.head)
      if (request.body) this.#socket.write(request.body)
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
