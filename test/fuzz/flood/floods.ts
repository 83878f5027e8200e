import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '../field.ts'
import { md5 } from '../grammar/intents.ts'
import { bytesOf, type Header, type HttpRequest } from '../request.ts'
import { sha256, signInHeader } from '../sign.ts'

/**
 * What one client, or many, may do to a gateway. Runs until it is told to stop. `underWay` is called, perhaps often, once all
 * connections are there, or a first request has been sent whole.
 */
export type Flood = (target: Target, scale: Scale, course: Course) => Promise<void>

export interface Course {
  signal: AbortSignal
  underWay(): void
}

export interface Scale {
  /** At once. */
  connections: number
  /** A second, for floods of whole requests. */
  rate: number
}

export const BUCKET = 'flooded'
/** Of some MiB: more than the kernel's buffers take. */
export const LARGE = 'large'

const MIB = 1024 * 1024
const XML_BYTES_MAX = 2 * MIB

export const floods = {
  'silent connections': holding(() => ''),
  'slow heads': holding(() => 'GET / HTTP/1.1\r\nHost: x\r\nX-A: '),
  'slow bodies': holding((target) => headOf(target, 'PUT', `/${BUCKET}/slow`, 'UNSIGNED-PAYLOAD', MIB)),
  'slow documents': holding(
    (target) => headOf(target, 'POST', `/${BUCKET}?delete`, sha256(''), XML_BYTES_MAX),
    Buffer.alloc(XML_BYTES_MAX - 64 * 1024, ' '),
  ),
  'clients that do not read': holding((target) => headOf(target, 'GET', `/${BUCKET}/${LARGE}`, sha256(''))),
  'requests without end on one connection': holding((target) =>
    headOf(target, 'GET', `/${BUCKET}/${LARGE}`, sha256('')).repeat(2_000),
  ),
  'ten thousand headers': sending((target) =>
    plain(
      target,
      Array.from({ length: 10_000 }, (): Header => ['a', 'b']),
    ),
  ),
  'a megabyte of headers': sending((target) =>
    plain(
      target,
      Array.from({ length: 1_000 }, (_, n): Header => [`x-${n}`, 'v'.repeat(1_000)]),
    ),
  ),
  'headers up to the limit': sending((target) =>
    plain(
      target,
      Array.from({ length: 6_000 }, (): Header => ['a', '']),
    ),
  ),
  'entities that grow': sending((target) => document(target, BOMB)),
  'deep XML': sending((target) => document(target, '<Delete>'.repeat(200_000))),
  'wide XML': sending((target) => document(target, `<Delete>${'<a/>'.repeat(500_000)}</Delete>`)),
  'many attributes': sending((target) => document(target, `<Delete ${'a="" '.repeat(400_000)}/>`)),
  'a hundred megabytes of XML': sending((target) => document(target, `<Delete>${' '.repeat(100 * MIB)}</Delete>`)),
} satisfies Readonly<Record<string, Flood>>

export type FloodName = keyof typeof floods

/** Ten entities, each ten times the one before. */
const BOMB = `<!DOCTYPE Delete [<!ENTITY e0 "aaaaaaaaaa">${Array.from({ length: 9 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')}]><Delete><Object><Key>&e9;</Key></Object></Delete>`

/** Connections that say `first`, then `more`, then a byte a second; each that ends is replaced. */
function holding(first: (target: Target) => string, more: Buffer = Buffer.alloc(0)): Flood {
  return async (target, { connections }, { signal, underWay }) => {
    const held = new Set<Socket>()
    let connected = 0
    const onConnect = () => {
      connected += 1
      if (connected >= connections) underWay()
    }
    while (!signal.aborted) {
      const isFull = held.size >= connections
      if (isFull) for (const socket of held) trickle(socket)
      // Not all in one turn: the kernel's queue of connections is short.
      for (let n = 0; n < 100 && held.size < connections; n++) {
        const socket = dial(target).pause().once('connect', onConnect)
        held.add(socket.on('close', () => held.delete(socket)))
        socket.write(Buffer.concat([Buffer.from(first(target), 'latin1'), more]))
      }
      await sleep(isFull ? 1000 : 20, undefined, { signal }).catch(() => {})
    }
    for (const socket of held) socket.destroy()
  }
}

function trickle(socket: Socket): void {
  if (socket.writableLength === 0) socket.write('x')
}

/** Whole requests, so many a second, each on a connection of its own. */
function sending(make: (target: Target) => Buffer): Flood {
  return async (target, { rate }, { signal, underWay }) => {
    const bytes = make(target)
    const isLarge = bytes.length > 8 * MIB
    while (!signal.aborted) {
      const socket = dial(target)
      socket.resume()
      socket.end(bytes, underWay)
      await sleep((isLarge ? 10_000 : 1000) / rate, undefined, { signal }).catch(() => {})
    }
  }
}

function dial({ endpoint }: Target): Socket {
  const socket = connect({ host: endpoint.hostname, port: Number(endpoint.port) })
  socket.on('error', () => {})
  return socket
}

function plain({ endpoint }: Target, headers: readonly Header[]): Buffer {
  const all: Header[] = [['Host', endpoint.host], ...headers]
  return bytesOf({ method: 'GET', target: '/', version: 'HTTP/1.1', headers: all, body: Buffer.alloc(0) })
}

/** Signed by the owner, with a proof: only what it is can be held against it. */
function document(target: Target, text: string): Buffer {
  const body = Buffer.from(text)
  const headers: Header[] = [['Content-MD5', md5(body, 'base64')]]
  return bytesOf(signed(target, { method: 'POST', path: `/${BUCKET}?delete`, payload: sha256(body), headers, body }))
}

function headOf(target: Target, method: string, path: string, payload: string, length?: number): string {
  const headers: Header[] =
    length === undefined
      ? []
      : [
          ['Content-Length', String(length)],
          ['Content-MD5', md5(Buffer.alloc(0), 'base64')],
        ]
  return bytesOf(signed(target, { method, path, payload, headers, body: Buffer.alloc(0) })).toString('latin1')
}

function signed(
  { endpoint, region, owner }: Target,
  {
    method,
    path,
    payload,
    headers,
    body,
  }: { method: string; path: string; payload: string; headers: readonly Header[]; body: Buffer },
): HttpRequest {
  const length: Header[] = body.length > 0 ? [['Content-Length', String(body.length)]] : []
  const all: Header[] = [['Host', endpoint.host], ...headers, ...length]
  return signInHeader(
    { method, target: path, version: 'HTTP/1.1', headers: all, body },
    { key: owner, region, atMs: Date.now(), payload },
  )
}
