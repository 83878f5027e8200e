import type { Network, Party } from './network.ts'

/** A network whose parties can be kept from hearing each other. */
export interface CuttableNetwork extends Network {
  /** What `from` sends to `to` does not arrive until the cut is undone, and nobody is told. The other way stays open. */
  cut(from: Party, to: Party): Promise<AsyncDisposable>
}
