import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What goes wrong with a request: it is answered otherwise, or not at all. */
export type Mishap = 'refuses' | 'denies' | 'cuts' | 'lies' | 'hangs'

/** Stands before an S3 endpoint and passes on what comes, but for the mishaps that `judge` asks for. */
export class BadSource implements AsyncDisposable {
  /** Asked of each request; undefined: all goes well. */
  judge: (method: string, target: string) => Mishap | undefined = () => undefined
  /** `GET /bucket/key?…` of all that came, mishaps too. */
  readonly seen: string[] = []
  readonly #server: Server
  readonly #behind: URL

  private constructor(behind: string) {
    this.#behind = new URL(behind)
    this.#server = createServer((asked, answer) => this.#pass(asked, answer))
  }

  static async start(behind: string): Promise<BadSource> {
    const source = new BadSource(behind)
    source.#server.listen(0, '127.0.0.1')
    await once(source.#server, 'listening')
    return source
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    const { method = '', url = '' } = asked
    this.seen.push(`${method} ${url}`)
    const mishap = this.judge(method, url)
    if (mishap === 'hangs') return
    if (mishap === 'refuses') {
      answer.writeHead(503, { 'content-type': 'application/xml' })
      answer.end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>')
      return
    }
    if (mishap === 'denies') return void answer.writeHead(400).end()
    const { hostname, port } = this.#behind
    const passed = request({ hostname, port, method, path: url, headers: asked.headers }, (real) => {
      answer.writeHead(real.statusCode ?? 500, real.headers)
      let sent = 0
      real.on('data', (piece: Buffer) => {
        if (mishap === 'lies' && sent === 0) piece[0]! ^= 1
        if (mishap === 'cuts') {
          answer.write(piece.subarray(0, piece.length >> 1), () => answer.destroy())
          real.destroy()
          return
        }
        sent += piece.length
        answer.write(piece)
      })
      real.on('end', () => answer.end())
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  }
}
