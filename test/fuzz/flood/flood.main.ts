import type { Target } from '../field.ts'
import { type FloodName, floods, type Scale } from './floods.ts'

/** A process of its own, so that what floods does not slow down what measures. Ends with its standard input. */
const { name, target, scale } = JSON.parse(process.argv[2]!) as {
  name: FloodName
  target: Target & { endpoint: string }
  scale: Scale
}
const stop = new AbortController()
process.stdin.resume().on('end', () => stop.abort())
await floods[name]({ ...target, endpoint: new URL(target.endpoint) }, scale, stop.signal)
