import { freePorts } from '../../../conformance/support/free-ports.ts'

/** Who talks: `gateway 2`, `storage node 5`, `PostgreSQL`. */
export type Party = string

/** Where the processes of a cluster run, and how they reach each other. */
export interface Network extends AsyncDisposable {
  /** Where PostgreSQL listens. */
  readonly postgres: { host: string; port: number }
  /** What puts a process where it belongs: the start of its command. */
  prefixOf(party: Party): readonly string[]
  /** Where that party finds PostgreSQL. */
  databaseAddressOf(party: Party): { host: string; port: number }
  /** The settings of a storage node: where it listens, and how it is reached. */
  nodeEnv(number: number): Record<string, string>
  /** Where a gateway listens for clients. */
  gatewayAddress(number: number): { host: string; port: number }
}

/** All on this host, nothing between them. Ports are free ones, and stay: what is started again listens where it did. */
export async function openLoopback({ gateways }: { gateways: number }): Promise<Network> {
  const host = '127.0.0.1'
  const [port, ...gatewayPorts] = await freePorts(1 + gateways)
  const postgres = { host, port: port! }
  return {
    postgres,
    prefixOf: () => [],
    databaseAddressOf: () => postgres,
    nodeEnv: () => ({ SEXTANT_NODE_HOST: host }),
    gatewayAddress: (number) => ({ host, port: gatewayPorts[number - 1]! }),
    async [Symbol.asyncDispose]() {},
  }
}
