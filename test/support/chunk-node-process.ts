import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { ServerId } from '../../src/base/ids.ts'
import { startTestNode } from './chunk-cluster.ts'
import { MemoryDisk } from './memory-disk.ts'

/** A storage node, over memory, in a process of its own: to be killed, or stopped in its tracks. */
export interface NodeProcess extends AsyncDisposable {
  serverId: ServerId
  grpcAddress: string
  process: ChildProcess
}

const MARK = 'a storage node for a test'

export async function forkNode(serverId: string, socketPath = ''): Promise<NodeProcess> {
  const child = fork(import.meta.filename, [MARK, serverId, socketPath])
  const [grpcAddress] = (await once(child, 'message')) as [string]
  return {
    serverId: serverId as ServerId,
    grpcAddress,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

if (process.argv[2] === MARK) {
  const [, , , serverId, socketPath] = process.argv
  const node = await startTestNode({ disk: new MemoryDisk(serverId!), settings: { socketPath: socketPath! } })
  process.once('disconnect', () => process.exit(0))
  process.send!(node.grpcAddress)
}
