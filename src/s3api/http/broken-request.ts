import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import type { Exchange } from './exchange.ts'

/** Node's errors of parsing and time, by code. */
type ParserError = Error & { code?: string }

const LINGER_MS = 1_000

/**
 * What becomes of a connection whose bytes are no HTTP. With a request under way, its body is what broke: it fails, and is
 * answered as it would be. Else the refusal goes straight to the socket, which is then closed.
 */
export function handleBrokenRequest(
  error: ParserError,
  socket: Socket,
  exchange: Exchange | undefined,
  { refuse, clock, headerBytesMax }: { refuse: (fault: StoreFault) => Buffer; clock: Clock; headerBytesMax: number },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const fault = faultOf(error, exchange, headerBytesMax)
  if (exchange && !exchange.source.isComplete) {
    exchange.breakOff(fault)
    // Answered without its body: nobody else is left to close the connection.
    if (exchange.res.writableEnded) socket.destroySoon()
    return
  }
  // Between requests, something was answered before: a refusal now could be taken for the answer to the next request.
  // Ended rather than destroyed, for a reset could take from the client what it has not read yet.
  socket.end(socket.bytesWritten > 0 ? '' : refuse(fault))
  socket.resume()
  clock.after(LINGER_MS, () => socket.destroy())
}

function faultOf({ code }: ParserError, exchange: Exchange | undefined, headerBytesMax: number): StoreFault {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new StoreFault('RequestHeaderSectionTooLarge', { sizeBytesMax: headerBytesMax })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new StoreFault('RequestTimeout', {})
    case 'HPE_INVALID_EOF_STATE': {
      const { declaredBytes = 0, bytesRead = 0 } = exchange?.source ?? {}
      return new StoreFault('IncompleteBody', { sizeBytes: bytesRead, expectedBytes: declaredBytes })
    }
    default:
      return new StoreFault('BadRequest', { reason: 'An error occurred when parsing the HTTP request.' })
  }
}
