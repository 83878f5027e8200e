import type { ServerNumber } from '../../base/ids.ts'

/** What commands do with storage servers. src/meta implements it. */
export interface ServerControl {
  /**
   * up: it takes chunks. cordoned: it keeps what it has, and takes no more. draining: what it has is moved to others.
   * removed: it is gone for good, and what it had is rebuilt; this cannot be taken back.
   */
  setServerStatus(
    order: { server: ServerNumber; status: 'up' | 'cordoned' | 'draining' | 'removed' },
    signal: AbortSignal,
  ): Promise<'ok' | 'unknown' | 'removed'>
}
