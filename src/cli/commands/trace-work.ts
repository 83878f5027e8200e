import { createInterface } from 'node:readline'
import type { TracedRequest } from '../../admin/request-filter.ts'
import { adminToken } from '../../base/admin-token.ts'
import { type AdminPort, findAdminPorts, openAdmin } from '../admin-client.ts'
import { withCommandDeps } from '../command-deps.ts'
import { CommandFailure } from '../failure.ts'
import { showRounded } from './show.ts'
import { needSealingKey } from './store-access.ts'
import type { TraceOptions } from './trace.ts'

type Told = TracedRequest | { dropped: number }

/** Until Ctrl-C. Fault: CommandFailure, also when a gateway ends. */
export function runTrace(options: TraceOptions): Promise<void> {
  return withCommandDeps(
    () => {},
    async ({ settings, signal }) => {
      const ports = findAdminPorts(settings, options.admin)
      const headers = { authorization: `Bearer ${adminToken(await needSealingKey(settings))}` }
      const ended = new AbortController()
      const either = AbortSignal.any([signal, ended.signal])
      const show = options.json ? showJson : showLine
      try {
        await Promise.all(ports.map((port) => follow(port, { path: pathOf(options), headers, show, signal: either })))
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        ended.abort()
      }
    },
  )
}

function pathOf({ bucket, keyPrefix, operation, status, errors, slowerThan }: TraceOptions): string {
  const query = new URLSearchParams()
  const given = { bucket, 'key-prefix': keyPrefix, operation, status, 'slower-than': slowerThan }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  if (errors) query.set('errors', '')
  return `/requests?${query}`
}

interface Following {
  path: string
  headers: Record<string, string>
  show: (line: string) => void
  signal: AbortSignal
}

async function follow(port: AdminPort, { path, headers, show, signal }: Following): Promise<void> {
  const answer = await openAdmin(port, path, { headers, signal })
  try {
    for await (const line of createInterface({ input: answer })) {
      show(line)
      // Whoever reads slowly has the gateway wait, which bounds what waits; and here nothing piles up.
      if (process.stdout.writableNeedDrain) await new Promise((resolve) => process.stdout.once('drain', resolve))
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new CommandFailure(`The gateway at ${port.url} broke the trace off.`, { cause: error })
  }
  signal.throwIfAborted()
  throw new CommandFailure(`The gateway at ${port.url} has ended the trace: it stops.`)
}

function showJson(line: string): void {
  process.stdout.write(`${line}\n`)
}

function showLine(line: string): void {
  const told = JSON.parse(line) as Told
  process.stdout.write(
    'dropped' in told ? `… ${told.dropped} requests are left out: this reads too slowly\n` : `${lineOf(told)}\n`,
  )
}

function lineOf(request: TracedRequest): string {
  const { time, remote, operation, status, code, durationMs, bytesIn, bytesOut, requestId, bucket, key } = request
  const place = bucket === undefined ? '-' : key === undefined ? bucket : `${bucket}/${key}`
  return [
    time.slice(11, 23),
    (remote ?? '-').padEnd(15),
    (operation ?? '-').padEnd(20),
    String(status),
    (code ?? '-').padEnd(code === undefined ? 1 : 12),
    `${durationMs.toFixed(1)} ms`.padStart(10),
    `in ${showRounded(bytesIn)}`,
    `out ${showRounded(bytesOut)}`,
    requestId,
    printable(place),
  ].join('  ')
}

/** A key may hold what moves a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`)
}
