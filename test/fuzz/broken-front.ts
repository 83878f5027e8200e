import { once } from 'node:events'
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import type { Target } from './field.ts'
import { sha256, signInHeader } from './sign.ts'

/** What is wrong with it. */
export type Fault =
  /** Whoever asks is taken for the owner. */
  | 'believes everybody'
  /** What it refuses, it does nevertheless. */
  | 'stores what it refuses'
  | 'refuses everybody'
  | 'fails now and then'
  | 'tells the secret'
  | 'never answers'
  | 'drops an object now and then'

export interface BrokenFront extends AsyncDisposable {
  target: Target
}

interface Answer {
  status: number
  type: string
  body: Buffer
}

/** A gateway with a fault, in front of one without: what the fuzzer has to find. Clients with a name see no fault. */
export async function brokenFront(behind: Target, fault: Fault, secret: string): Promise<BrokenFront> {
  let serial = 0
  // A request that breaks off has no answer.
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()))

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await whole(req)
    const isFaulty = req.headers['user-agent'] === undefined
    const answer = isFaulty ? await faultyAnswer(req, body) : await relay(behind, req, body)
    if (!answer) return
    const length = req.method === 'HEAD' ? {} : { 'content-length': answer.body.length }
    res.writeHead(answer.status, { 'content-type': answer.type, ...length })
    res.end(answer.body)
  }

  async function faultyAnswer(req: IncomingMessage, body: Buffer): Promise<Answer | undefined> {
    const { method = '', url = '' } = req
    const inOwnersName = () => send(behind, resigned(behind, method, url, body))
    const isNow = serial++ % 20 === 0
    switch (fault) {
      case 'believes everybody':
        return await inOwnersName()
      case 'refuses everybody':
        return refusal(403)
      case 'fails now and then':
        return isNow ? refusal(500) : await relay(behind, req, body)
      case 'never answers':
        return isNow ? undefined : await relay(behind, req, body)
      case 'tells the secret':
        return { ...refusal(403), body: Buffer.from(REFUSAL.replace('Denied', secret)) }
      case 'drops an object now and then':
        if (isNow) await send(behind, resigned(behind, 'DELETE', '/vault/treasure', Buffer.alloc(0)))
        return await relay(behind, req, body)
      case 'stores what it refuses': {
        const answer = await relay(behind, req, body)
        if (answer.status === 403 && method === 'PUT') await inOwnersName()
        return answer
      }
    }
  }

  server.on('clientError', (_, socket) => {
    const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\nContent-Length: ${REFUSAL.length}`
    if (socket.writable) socket.end(`${head}\r\nConnection: close\r\n\r\n${REFUSAL}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  return {
    target: { ...behind, endpoint: new URL(`http://127.0.0.1:${address.port}`) },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const REFUSAL = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'

function refusal(status: number): Answer {
  return { status, type: 'application/xml', body: Buffer.from(REFUSAL) }
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

function relay(behind: Target, { method = '', url = '', rawHeaders }: IncomingMessage, body: Buffer): Promise<Answer> {
  return send(behind, { method, url, headers: rawHeaders, body })
}

interface Relayed {
  method: string
  url: string
  headers: OutgoingHttpHeaders | string[]
  body: Buffer
}

/** In the owner's name, whoever signed it. */
function resigned({ endpoint, region, owner }: Target, method: string, url: string, body: Buffer): Relayed {
  const [path = '/', query = ''] = url.split('?', 2)
  const kept = query.split('&').filter((pair) => !/^(x-amz-|signature|expires|awsaccesskeyid)/i.test(pair))
  const target = query === '' ? path : `${path}?${kept.join('&')}`
  const plain = { method, target, version: 'HTTP/1.1', headers: [['Host', endpoint.host] as const], body }
  const signed = signInHeader(plain, { key: owner, region, atMs: Date.now(), payload: sha256(body) })
  return {
    method,
    url: target,
    headers: { ...Object.fromEntries(signed.headers), 'content-length': body.length },
    body,
  }
}

/** What Node will not send on is refused here. */
async function send({ endpoint }: Target, { method, url, headers, body }: Relayed): Promise<Answer> {
  try {
    const place = { host: endpoint.hostname, port: endpoint.port, agent: false }
    const sent = forward({ ...place, method, path: url, headers: headers as OutgoingHttpHeaders }).end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: answer.statusCode!, type: answer.headers['content-type'] ?? '', body: await whole(answer) }
  } catch {
    return refusal(400)
  }
}
