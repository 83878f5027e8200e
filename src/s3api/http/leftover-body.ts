import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

/**
 * What becomes of a connection whose request has a body that was not read:
 * `keep`: nothing is left, or so little that Node drops it by itself;
 * `skip`: the client waits for a 100 that it did not get, and will not send the body;
 * `drain`: it may be sending: read on for a while, then close.
 */
export type ConnectionPlan = 'keep' | 'skip' | 'drain'

/** A rest as small as this costs less to read than a new connection. */
const SMALL_REST_BYTES = 64 * 1024
/** Node's parser is told of a body that never comes by feeding it as many zeros, about 0.2 ms a MiB. */
const SKIPPED_BYTES_MAX = 8 * 1024 * 1024

export function planConnection({ source, req }: Exchange): ConnectionPlan {
  if (source.isAwaited && !isReusable(req)) return 'drain'
  if (source.isComplete) return 'keep'
  const rest = source.declaredBytes === undefined ? Number.POSITIVE_INFINITY : source.declaredBytes - source.bytesRead
  if (source.isAwaited) {
    const isSilent = req.readableLength === 0 && parserOf(req.socket) !== undefined
    return isSilent && rest <= SKIPPED_BYTES_MAX ? 'skip' : 'drain'
  }
  return rest <= SMALL_REST_BYTES ? 'keep' : 'drain'
}

/**
 * Whether the connection is of use after an answer in place of the 100. Not behind a proxy: what comes next may be the body
 * after all, and the answer to it would go to somebody else. Not with botocore (aws cli, boto3), whose older versions
 * remember the status line of such an answer, take the next one for a header, and hang.
 */
function isReusable({ headers }: Exchange['req']): boolean {
  const isRelayed = ['via', 'forwarded', 'x-forwarded-for'].some((name) => headers[name] !== undefined)
  return !isRelayed && !/botocore/i.test(headers['user-agent'] ?? '')
}

/** A client that waits for a 100 hardly ever sends on after a refusal. */
const AWAITED_LINGER_MS = 1_000

/** Resolves when the answer is out, or the client gone, and the connection is as planned. */
export async function finishAnswer(exchange: Exchange, plan: ConnectionPlan): Promise<void> {
  if (plan === 'drain') await drainBody(exchange)
  await exchange.over()
  if (plan === 'skip') skipUnsentBody(exchange)
}

/**
 * Ends our side, then reads and drops within bounds: a client that sends before it reads gets to see the answer, which a
 * reset would take from it. RFC 9112, section 9.6.
 */
async function drainBody({ req, res, source, limits, clock, dropped }: Exchange): Promise<void> {
  const { socket } = req
  const lingerMs = source.isAwaited ? AWAITED_LINGER_MS : limits.refusedBodyMs
  let droppedBytes = 0
  source.discard()
  socket.end()
  // Node would read ahead, a piece for each of thousands.
  req._read = () => {}
  await new Promise<void>((resolve) => {
    let isOver = false
    const timer = clock.after(lingerMs, stop)
    const readOn = () => {
      if (isOver) dropped.came(0)
      else socket.resume()
    }
    const drop = (chunk: Buffer) => {
      droppedBytes += chunk.length
      if (droppedBytes > limits.refusedBodyBytesMax) return stop()
      socket.pause()
      dropped.came(chunk.length)
      dropped.next(readOn)
    }
    function stop(): void {
      isOver = true
      timer[Symbol.dispose]()
      req.off('data', drop)
      req.off('end', stop)
      req.off('close', stop)
      resolve()
    }
    socket.pause()
    req.on('data', drop)
    req.on('end', stop)
    req.on('close', stop)
    req.resume()
    dropped.next(readOn)
  })
  res.end()
}

interface Parser {
  execute(bytes: Buffer): unknown
}

/** Node's parser of a connection: not documented, hence looked at before it is used. */
function parserOf(socket: Socket): Parser | undefined {
  const { parser } = socket as Socket & { parser?: Partial<Parser> | null }
  return typeof parser?.execute === 'function' ? (parser as Parser) : undefined
}

const zeros = Buffer.alloc(64 * 1024)

/**
 * A client that was refused instead of told to continue does not send its body (RFC 9110, 10.1.1), and goes on with the
 * next request. Node would take that for the body. A client that sends the body nevertheless breaks HTTP's framing, and
 * its connection ends with the first byte that is no request.
 */
function skipUnsentBody({ req, source }: Exchange): void {
  const parser = parserOf(req.socket)
  if (!parser || req.socket.destroyed) return
  for (let left = source.declaredBytes ?? 0; left > 0; left -= zeros.length) {
    parser.execute(left < zeros.length ? zeros.subarray(0, left) : zeros)
  }
}
