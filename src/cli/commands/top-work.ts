import { text } from 'node:stream/consumers'
import type { Clock } from '../../base/clock.ts'
import { type AdminPort, findAdminPorts, openAdmin } from '../admin-client.ts'
import { withCommandDeps } from '../command-deps.ts'
import { CommandFailure } from '../failure.ts'
import { printJson, tableLines } from '../output.ts'
import { type GatewayLoad, type Load, type Look, measureGateways, readStore, type StoreState } from '../top/measure.ts'
import { readSamples } from '../top/samples.ts'
import { showRounded, showSeconds } from './show.ts'
import type { TopOptions } from './top.ts'

const SECONDS_MIN = 0.2
const SECONDS_MAX = 3600
const PAGE_MS_MAX = 10_000

interface TopLook {
  at: string
  seconds: number
  gateways: GatewayLoad[]
  store: StoreState
}

/** Until Ctrl-C, or once. Fault: CommandFailure. */
export function runTop(options: TopOptions): Promise<void> {
  return withCommandDeps(
    () => {},
    async ({ settings, clock, signal }) => {
      const ports = findAdminPorts(settings, options.admin)
      const intervalMs = parseInterval(options.interval)
      const show = options.json ? printJson : showOnTerminal
      try {
        let before = await lookAtAll(ports, clock, signal)
        do {
          await clock.sleep(intervalMs, signal)
          const after = await lookAtAll(ports, clock, signal)
          show(compare(ports, before, after))
          before = after
        } while (!options.once)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
  )
}

function parseInterval(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= SECONDS_MIN && seconds <= SECONDS_MAX) return seconds * 1000
  throw new CommandFailure(`--interval must be a number of seconds from ${SECONDS_MIN} to ${SECONDS_MAX}.`, {
    exitCode: 2,
  })
}

function lookAtAll(ports: readonly AdminPort[], clock: Clock, signal: AbortSignal): Promise<Look[]> {
  return Promise.all(
    ports.map(async (port) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PAGE_MS_MAX)])
      const page = await text(await openAdmin(port, '/metrics', { signal: limit }))
      return { atMs: clock.nowMs(), samples: readSamples(page) }
    }),
  )
}

function compare(ports: readonly AdminPort[], before: readonly Look[], after: readonly Look[]): TopLook {
  const gateways = ports.flatMap(({ url }, n) =>
    measureGateways(before[n]!, after[n]!).map((load) => ({
      ...load,
      gateway: ports.length > 1 ? `${new URL(url).host} ${load.gateway}` : load.gateway,
    })),
  )
  const [first, last] = [before[0]!, after[0]!]
  const all = after.map(readStore)
  // The rows of servers are the store's, whoever tells them; processes are those of each host.
  const store = {
    ...all[0]!,
    diskErrors: Object.assign({}, ...all.map(({ diskErrors }) => diskErrors)) as Record<string, number>,
    silent: all.flatMap(({ silent }) => silent),
  }
  return { at: new Date(last.atMs).toISOString(), seconds: (last.atMs - first.atMs) / 1000, gateways, store }
}

function showOnTerminal(look: TopLook): void {
  const lines = linesOf(look)
  if (!process.stdout.isTTY) return void process.stdout.write(`${lines.join('\n')}\n\n`)
  const { rows = 50, columns = 120 } = process.stdout
  const shown = lines.slice(0, rows - 1).map((line) => line.slice(0, columns))
  process.stdout.write(`\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`)
}

function linesOf({ at, seconds, gateways, store }: TopLook): string[] {
  const { servers, silent, diskErrors } = store
  const errors = Object.entries(diskErrors).map(([name, count]) => `${name} ${count}`)
  return [
    `${at}, over ${seconds.toFixed(1)} s`,
    `fault tolerance  ${toleranceOf(store)}; at risk ${store.partsAtRisk} parts, ${store.partsWithoutSpare} without a chunk to spare, ${store.partsUnreadable} unreadable`,
    `waiting          ${showRounded(store.repairBytes)} to make anew, ${store.partsToMove} parts to move, ${store.doomedParts} parts and ${store.strayChunks} stray chunks to delete`,
    ...(silent.length > 0 ? [`silent           ${silent.join(', ')}`] : []),
    ...(errors.length > 0 ? [`disk errors      ${errors.join(', ')}`] : []),
    '',
    ...tableLines([
      ['GATEWAY', 'OPERATION', 'REQ/S', 'ERR/S', 'P50', 'P99', 'IN/S', 'OUT/S', 'ACTIVE'],
      ...gateways.flatMap(({ gateway, operations, ...load }) => [
        [gateway, 'all', ...cellsOf(load)],
        ...operations.map(({ operation, ...rest }) => ['', operation, ...cellsOf(rest)]),
      ]),
    ]),
    '',
    ...tableLines([
      ['SERVER', 'STATUS', 'HEARTBEAT', 'FREE', 'CAPACITY', 'CHUNKS'],
      ...servers.map((server) => [
        String(server.server),
        server.status,
        `${showSeconds(Math.max(0, server.heartbeatSecondsAgo))} ago`,
        showRounded(server.availableBytes),
        showRounded(server.capacityBytes),
        String(server.chunks),
      ]),
    ]),
  ]
}

function toleranceOf({ faultTolerance }: StoreState): string {
  if (faultTolerance === null) return 'not known yet'
  if (faultTolerance < 0) return 'some data cannot be read'
  return `any ${faultTolerance} more servers may be lost`
}

function cellsOf(load: Load): string[] {
  return [
    load.requestsPerSecond.toFixed(1),
    load.errorsPerSecond.toFixed(1),
    load.p50Ms === null ? '-' : `${load.p50Ms.toFixed(1)} ms`,
    load.p99Ms === null ? '-' : `${load.p99Ms.toFixed(1)} ms`,
    showRounded(load.receivedPerSecond),
    showRounded(load.sentPerSecond),
    String(load.active),
  ]
}
