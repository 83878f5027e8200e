import { bytes, integer, type Kind, listOf, seconds } from '../../base/config-kinds.ts'
import { GIB, MIB } from '../../base/config-setting.ts'
import { CommandFailure } from '../failure.ts'

export const OPERATIONS = ['put', 'get', 'head', 'list', 'delete', 'mixed'] as const
export type Operation = (typeof OPERATIONS)[number]

/** What is to be measured: each operation for each size. */
export interface BenchOrder {
  operations: readonly Operation[]
  sizesBytes: readonly number[]
  /** So many requests are under way at once. */
  clients: number
  /** Of each measurement: none is begun later. */
  durationMs: number
  /** How many objects of a size are written to be read, and for how long at most. */
  objectsOf(sizeBytes: number): { count: number; durationMs: number }
}

/** As the command line has them. */
export interface OrderOptions {
  size: string
  clients: string
  seconds: string
  objects?: string
}

/** One that shows requests, and one that shows bytes: about a minute in all. */
export const ORDER_DEFAULTS = { size: '4KiB,1MiB', clients: '16', seconds: '5' } as const
/** What a store should answer at least, one after the other; mixed is the same again. */
const SERIES: readonly Operation[] = ['put', 'get', 'head', 'list', 'delete']

/** Objects that are read, unless told otherwise: a listing's page, but no more bytes than are soon written. */
const READ_OBJECTS = 1_000
const READ_BYTES = 256 * MIB

/** S3's limit for one PUT. */
const sizes = listOf(bytes({ min: 1, max: 5 * GIB }))
/** A client holds a connection, and some hundred KiB while it moves a body. */
const clients = integer({ min: 1, max: 1_000 })
const duration = seconds({ min: 0.1, max: 86_400 })
/** Keys have ten digits; nobody waits for more to be written. */
const objects = integer({ min: 1, max: 100_000_000 })

/** Fault: CommandFailure. */
export function readOrder(operations: readonly string[], options: OrderOptions): BenchOrder {
  const given = options.objects === undefined ? undefined : parse('--objects', objects, options.objects)
  const order = {
    operations: operations.length === 0 ? SERIES : operations.map(parseOperation),
    sizesBytes: parse('--size', sizes, options.size),
    clients: parse('--clients', clients, options.clients),
    durationMs: parse('--seconds', duration, options.seconds),
  }
  const objectsOf = (sizeBytes: number) => {
    if (given !== undefined) return { count: given, durationMs: Number.POSITIVE_INFINITY }
    const count = Math.max(order.clients, Math.min(READ_OBJECTS, Math.floor(READ_BYTES / sizeBytes)))
    return { count, durationMs: order.durationMs }
  }
  return { ...order, objectsOf }
}

function parseOperation(text: string): Operation {
  const found = OPERATIONS.find((one) => one === text)
  if (found) return found
  throw new CommandFailure(`There is no operation ${text}: it must be one of ${OPERATIONS.join(', ')}.`, {
    exitCode: 2,
  })
}

function parse<T>(option: string, kind: Kind<T>, text: string): T {
  const value = kind.parse(text)
  if (value !== undefined) return value
  throw new CommandFailure(`${option} must be ${kind.allowed}.`, { exitCode: 2 })
}
