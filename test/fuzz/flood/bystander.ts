import { Agent, request } from 'node:http'
import type { Target } from '../field.ts'
import { sha256, signInHeader } from '../sign.ts'
import { BUCKET } from './floods.ts'

export const SMALL = 'small'

/** Clients that do nothing wrong: the latencies of their reads, in ms, over so long. Throws when one fails. */
export async function bystand(target: Target, { clients, ms }: { clients: number; ms: number }): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const endMs = performance.now() + ms
  const latencies: number[] = []
  const readOn = async () => {
    while (performance.now() < endMs) {
      const startedMs = performance.now()
      const status = await read(target, agent)
      if (status !== 200) throw new Error(`a bystander got ${status}`)
      latencies.push(performance.now() - startedMs)
      // Not as fast as it can: two cores have to do for all.
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  await Promise.all(Array.from({ length: clients }, readOn))
  agent.destroy()
  return latencies
}

function read({ endpoint, region, owner }: Target, agent: Agent): Promise<number> {
  const path = `/${BUCKET}/${SMALL}`
  const plain = {
    method: 'GET',
    target: path,
    version: 'HTTP/1.1',
    headers: [['Host', endpoint.host] as const],
    body: Buffer.alloc(0),
  }
  const { headers } = signInHeader(plain, { key: owner, region, atMs: Date.now(), payload: sha256('') })
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: endpoint.hostname, port: endpoint.port, agent, path, headers: Object.fromEntries(headers) },
      (res) => {
        res
          .resume()
          .on('end', () => resolve(res.statusCode ?? 0))
          .on('error', reject)
      },
    )
    sent.setTimeout(30_000, () => sent.destroy(new Error('a bystander waited for 30 s')))
    sent.on('error', reject)
    sent.end()
  })
}

export function p99(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? Number.NaN
}
