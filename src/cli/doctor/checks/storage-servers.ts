import { type Check, type Finding, failure, orOk, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

/** That they are there and alive, as the database has it. */
export const storageServers: Check = {
  name: 'storage servers',
  async run(context) {
    const asked = await context.servers()
    if (asked.is === 'none') return skipped(asked.reason)
    if (asked.is === 'away') return failure(`The storage servers could not be listed (${asked.reason}).`)
    const servers = asked.value
    if (servers.length === 0) return nobody(context)
    const wrong: Finding[] = []
    for (const { number, grpcAddress, isStale, status, availableBytes, lastHeartbeatAt } of servers) {
      const who = `Storage server ${number} (${grpcAddress})`
      if (isStale)
        wrong.push(
          failure(
            `${who} was last heard of at ${lastHeartbeatAt.toISOString()}: start it, or \`sextant node remove ${number}\`.`,
          ),
        )
      else if (status === 'failed') wrong.push(failure(`${who} says that its disk takes no writes: see its log.`))
      else if (availableBytes === 0) wrong.push(warning(`${who} is full: add a disk, or delete something.`))
    }
    return orOk(wrong, `all ${servers.length} storage servers are alive`)
  },
}

function nobody({ role, store }: DoctorContext): Finding {
  if (role === 'up' && !store) return skipped('none has registered yet: `sextant up` starts them')
  return failure('No storage server has registered: start `sextant storage-node` on the hosts with disks.')
}
