import { type Headers, signHeaders } from '../../conformance/support/sign.ts'
import { encodeStrict, objectPath } from '../../conformance/support/suite.ts'
import type { Target } from '../../conformance/support/target.ts'
import { openConnection, type WireConnection } from '../../conformance/support/wire.ts'
import type { Call } from './operation.ts'
import type { Answer } from './said.ts'

/** A store, and who owns all in it. */
export type OwnedStore = Pick<Target, 'endpoint' | 'region' | 'owner'>

/** Asks for something in a bucket, and gets the answer. */
export type Ask = (bucket: string, call: Call) => Promise<Answer>

/** By turns: a store of several gateways is asked now here, now there. */
const CONNECTIONS = 2

/** The owner of a store, on connections that are kept, with signatures that leave the body out. */
export class Owner implements AsyncDisposable {
  readonly #target: OwnedStore
  readonly #connections: (WireConnection | undefined)[] = Array(CONNECTIONS).fill(undefined)
  #turn = 0

  constructor(target: OwnedStore) {
    this.#target = target
  }

  readonly ask: Ask = async (bucket, { method, key, query = {}, headers = {}, body }) => {
    const path = key === undefined ? `/${bucket}` : objectPath(bucket, key)
    const pairs = given(query).map(([name, value]) => `${name}=${encodeStrict(value)}`)
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const hasBody = method === 'PUT' || method === 'POST'
    const request = {
      method,
      path: pairs.length === 0 ? path : `${path}?${pairs.join('&')}`,
      payload: 'UNSIGNED-PAYLOAD',
      headers: Object.fromEntries([
        ...given(headers),
        ...(hasBody ? [['content-length', String(bytes?.length ?? 0)]] : []),
      ]) as Headers,
    }
    const signed = signHeaders(this.#target as Target, request)
    const turn = this.#turn++ % CONNECTIONS
    let connection = this.#connections[turn]
    if (!connection || connection.closed) connection = await openConnection(this.#target.endpoint)
    this.#connections[turn] = connection
    const wire = { method, path: request.path, headers: Object.entries(signed), body: bytes ? [bytes] : [] }
    const answer = await connection.exchange(wire)
    if (answer.headers.connection === 'close') await connection[Symbol.asyncDispose]()
    return { method, ...answer }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection?.[Symbol.asyncDispose]()
  }
}

function given(fields: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
}
