import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a webhook took, of one event. */
export interface TakenEvent {
  bucket: string
  key: string
  eTag: string | undefined
  eventName: string
  sequencer: string
}

/** A webhook on this machine that keeps what it took, in the order in which it did. */
export interface Webhook extends Disposable {
  readonly url: string
  readonly taken: readonly TakenEvent[]
  /** It answers 503, or nothing, and takes nothing. */
  isAway: boolean
}

export async function openWebhook({ takesMs = 0 } = {}): Promise<Webhook> {
  const taken: TakenEvent[] = []
  let asked = 0
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const piece of req) body += piece
    asked += 1
    if (webhook.isAway) return void (asked % 2 === 0 ? res.writeHead(503).end() : res.destroy())
    await sleep(takesMs)
    const { eventName, s3 } = JSON.parse(body).Records[0]
    const { key, eTag, sequencer } = s3.object
    const plain = decodeURIComponent(key.replaceAll('+', ' '))
    taken.push({ bucket: s3.bucket.name, key: plain, eTag, eventName, sequencer })
    // Now and then it takes an event, and does not come to say so.
    if (asked % 7 === 3) res.destroy()
    else res.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const webhook = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    taken,
    isAway: false,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
  return webhook
}

/** Of what came again, the first. */
export function withoutRepeats(taken: readonly TakenEvent[]): TakenEvent[] {
  const seen = new Set<string>()
  return taken.filter(({ bucket, sequencer }) => {
    const name = `${bucket}/${sequencer}`
    return seen.has(name) ? false : seen.add(name)
  })
}
