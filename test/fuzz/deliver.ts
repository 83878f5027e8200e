import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What came back on the connection. */
export interface Outcome {
  /** Of the final answer; 0: there was none. */
  status: number
  /** As it came, interim answers and all. */
  received: Buffer
  /** Of the final answer, transfer coding taken off. */
  body: Buffer
  headers: readonly (readonly [name: string, value: string])[]
  /** Neither an answer nor an end came, until we ended. */
  isSilent: boolean
  /** Our end of file was not answered by one: the server holds on to the connection. */
  isStuck: boolean
  durationMs: number
}

export interface Sent {
  pieces: readonly Buffer[]
  /** An answer must come; otherwise silence is taken for waiting, and ended by an end of file. */
  isWhole: boolean
  /** How long an answer may take where one must come. */
  answerMs?: number
}

/** As long as a busy machine may take. */
const ANSWER_MS = 30_000
/** Of a server that may wait for more. */
const SILENCE_MS = 1_000
/** From our end of file to the server's. */
const CLOSE_MS_MAX = 15_000
const RECEIVED_BYTES_MAX = 8 * 1024 * 1024

/** Sends bytes on a connection of their own, and reads one answer. Rejects only when nobody listens. */
export async function deliver(
  to: { host: string; port: number },
  { pieces, isWhole, answerMs = ANSWER_MS }: Sent,
): Promise<Outcome> {
  const startedMs = performance.now()
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true })
  const inbox = new Inbox(socket)
  try {
    await inbox.connected
    for (const [n, piece] of pieces.entries()) {
      if (n > 0) await sleep(1)
      if (socket.writable) socket.write(piece)
    }
    const isHead = Buffer.concat(pieces).subarray(0, 5).toString('latin1').toUpperCase() === 'HEAD '
    const isAnswered = () => parseAnswer(inbox.bytes, isHead, inbox.isEnded) !== undefined || inbox.isEnded
    const isSilent = !(await inbox.until(isAnswered, isWhole ? answerMs : SILENCE_MS))
    if (isSilent) socket.end()
    const isStuck = isSilent && !(await inbox.until(() => inbox.isEnded, CLOSE_MS_MAX))
    const answer = parseAnswer(inbox.bytes, isHead, true) ?? { status: 0, headers: [], body: Buffer.alloc(0) }
    return { ...answer, received: inbox.bytes, isSilent, isStuck, durationMs: performance.now() - startedMs }
  } finally {
    // Not closed in order: a hundred thousand connections would each keep a port for a minute.
    socket.resetAndDestroy()
  }
}

class Inbox {
  isEnded = false
  readonly connected: Promise<void>
  readonly #pieces: Buffer[] = []
  #length = 0
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.connected = new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.on('data', (data: Buffer) => {
      if (this.#length < RECEIVED_BYTES_MAX) this.#pieces.push(data)
      this.#length += data.length
      this.#wake?.()
    })
    for (const event of ['end', 'error', 'close']) {
      socket.on(event, () => {
        this.isEnded = true
        this.#wake?.()
      })
    }
  }

  get bytes(): Buffer {
    if (this.#pieces.length > 1) this.#pieces.splice(0, this.#pieces.length, Buffer.concat(this.#pieces))
    return this.#pieces[0] ?? Buffer.alloc(0)
  }

  /** Whether `test` held within `ms` of the last byte that came. */
  async until(test: () => boolean, ms: number): Promise<boolean> {
    while (!test()) {
      const isMore = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve(true)
        }
      })
      this.#wake = undefined
      if (!isMore) return test()
    }
    return true
  }
}

type Answer = Pick<Outcome, 'status' | 'headers' | 'body'>

/** The first final answer; undefined while it is not whole. `isEnded`: there will be no more, so that what is there is all. */
export function parseAnswer(bytes: Buffer, isHead: boolean, isEnded: boolean): Answer | undefined {
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end < 0) return undefined
    const [first = '', ...lines] = bytes.subarray(at, end).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${first} `)?.[1])
    if (Number.isNaN(status)) throw new Error(`no answer: ${first.slice(0, 200)}`)
    at = end + 4
    if (status < 200) continue
    const headers = lines.map(
      (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const,
    )
    const body =
      isHead || status === 204 || status === 304
        ? Buffer.alloc(0)
        : bodyOf(bytes.subarray(at), new Map(headers), isEnded)
    return body && { status, headers, body }
  }
}

function bodyOf(rest: Buffer, headers: ReadonlyMap<string, string>, isEnded: boolean): Buffer | undefined {
  if (headers.get('transfer-encoding') === 'chunked') return unchunked(rest) ?? (isEnded ? rest : undefined)
  const length = headers.get('content-length')
  if (length === undefined) return isEnded ? rest : undefined
  return rest.length >= Number(length) || isEnded ? rest.subarray(0, Number(length)) : undefined
}

function unchunked(rest: Buffer): Buffer | undefined {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const end = rest.indexOf('\r\n', at)
    const size = end < 0 ? Number.NaN : Number.parseInt(rest.subarray(at, end).toString('latin1'), 16)
    if (Number.isNaN(size) || rest.length < end + 4 + size) return undefined
    if (size === 0) return Buffer.concat(pieces)
    pieces.push(rest.subarray(end + 2, end + 2 + size))
    at = end + 4 + size
  }
}
