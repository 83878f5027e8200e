import { get } from 'node:http'
import { get as getSecurely } from 'node:https'
import { json } from 'node:stream/consumers'
import type { HealthReport } from '../../admin/health.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'

const WAIT_MS_MAX = 15_000
const ASK_EVERY_MS = 20
const ASK_MS_MAX = 5_000

/**
 * Waits until the gateway sees `nodes` storage servers that serve: they make themselves known through the database, and
 * the first upload should find them all. A gateway that sees fewer after 15 s serves too, and the log says so.
 */
export async function waitUntilServing(
  url: string,
  nodes: number,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  const deadlineMs = clock.nowMs() + WAIT_MS_MAX
  for (;;) {
    const seen = await countServing(url, signal)
    if (seen >= nodes) return
    if (clock.nowMs() >= deadlineMs) {
      log.warn({ nodes, serving: seen }, 'not every storage node serves yet')
      return
    }
    await clock.sleep(ASK_EVERY_MS, signal)
  }
}

async function countServing(url: string, signal: AbortSignal): Promise<number> {
  try {
    const { nodes } = (await fetchJson(url, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS_MAX)]))) as HealthReport
    return nodes.filter((node) => node.isReachable && !node.isStale && node.status === 'up').length
  } catch {
    signal.throwIfAborted()
    return 0
  }
}

/** From a child of ours on this host: its certificate names it as others call it, and need not be believed here. */
function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { signal, agent: false as const, rejectUnauthorized: false }
    const request = url.startsWith('https:') ? getSecurely(url, options) : get(url, options)
    request.on('error', reject).on('response', (response) => void json(response).then(resolve, reject))
  })
}
