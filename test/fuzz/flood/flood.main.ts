import type { Target } from '../field.ts'
import { type FloodName, floods, type Scale } from './floods.ts'

/**
 * A process of its own, so that what floods does not slow down what measures. Says once that the flood is under way, and ends
 * with its standard input.
 */
const { name, target, scale } = JSON.parse(process.argv[2]!) as {
  name: FloodName
  target: Target & { endpoint: string }
  scale: Scale
}
const stop = new AbortController()
process.stdin.resume().on('end', () => stop.abort())
let isUnderWay = false
const underWay = () => {
  if (!isUnderWay) process.stdout.write('under way\n')
  isUnderWay = true
}
await floods[name]({ ...target, endpoint: new URL(target.endpoint) }, scale, { signal: stop.signal, underWay })
