import { type Check, failure, orOk, skipped } from '../check.ts'

/** That this host reaches them by gRPC, and is let in. */
export const storageConnections: Check = {
  name: 'storage connections',
  async run({ answers }) {
    const asked = await answers()
    if (asked.is !== 'there') return skipped(asked.reason)
    if (asked.value.length === 0) return skipped('there are no storage servers')
    const wrong = asked.value.flatMap(({ server, reason }) =>
      reason === undefined
        ? []
        : failure(
            `Storage server ${server.number} (${server.grpcAddress}) is not reached from here (${reason}): look at its log, the network, and docs/tls.md.`,
          ),
    )
    return orOk(wrong, `all ${asked.value.length} storage servers answer`)
  },
}
