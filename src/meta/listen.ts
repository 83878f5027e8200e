import type pg from 'pg'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Database } from './database.ts'

/** One channel of NOTIFY. */
export interface Channel {
  readonly name: string
  heard(payload: string): void
  /** Notices may have been missed: called whenever it begins to listen. */
  begin(): Promise<void> | void
}

export interface ListenOptions {
  database: Database
  channels: readonly Channel[]
  clock: Clock
  log: Log
}

/** Before it listens again after its connection broke. */
const RECONNECT_MS = 1_000

/** Listens on a connection of its own, and on another one when that breaks, until it is told to stop. Never rejects. */
export async function listen(options: ListenOptions, stop: AbortSignal): Promise<void> {
  const { clock, log } = options
  while (!stop.aborted) {
    try {
      await listenOnce(options, stop)
    } catch (error) {
      if (!stop.aborted) log.warn({ error: String(error) }, 'cannot listen for what the database tells')
    }
    await clock.sleep(RECONNECT_MS, stop).catch(() => {}) // woken by the stop
  }
}

/** Until the connection breaks, or this is stopped. */
async function listenOnce({ database, channels }: ListenOptions, stop: AbortSignal): Promise<void> {
  const client = await database.dedicated()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  client.on('error', () => end())
  client.on('end', () => end())
  client.on('notification', ({ channel, payload = '' }) => {
    channels.find(({ name }) => name === channel)?.heard(payload)
  })
  const onStop = () => end()
  stop.addEventListener('abort', onStop, { once: true })
  try {
    for (const { name } of channels) await client.query(`listen ${name}`)
    for (const { begin } of channels) await begin()
    if (!stop.aborted) await ended
  } finally {
    stop.removeEventListener('abort', onStop)
    await closed(client)
  }
}

async function closed(client: pg.Client): Promise<void> {
  await client.end().catch(() => {}) // broken already
}
