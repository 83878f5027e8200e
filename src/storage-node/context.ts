import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { CallTracer } from '../base/spans.ts'
import type { MessageBuffers } from './message-buffers.ts'
import type { ChunkDisk } from './ports.ts'
import type { StorageNodeTuning } from './settings.ts'

/** What the handlers of calls share. */
export interface NodeContext {
  disk: ChunkDisk
  buffers: MessageBuffers
  clock: Clock
  log: Log
  tuning: StorageNodeTuning
  /** Of the program, told to whoever asks how the node is. */
  version: string
  /** Undefined: nobody asked for traces. */
  tracer: CallTracer | undefined
}
