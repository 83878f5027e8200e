import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { type ChildDeps, type SupervisedChild, superviseChild } from './child.ts'
import { planGateway, planNode, type StorePlan } from './plans.ts'

/** All processes of the store but PostgreSQL. */
export interface Store extends AsyncDisposable {
  /** Resolves when all of them serve; rejects when one cannot be started. */
  readonly ready: Promise<void>
  processes(): { name: string; pid: number | null }[]
  /** Gateways first: they take nothing new and finish what is under way, for up to `drainMs`; then the nodes. */
  stop(drainMs: number, hurry: AbortSignal): Promise<void>
}

export interface StoreDeps {
  clock: Clock
  log: Log
  lockFd: number
  onStart(): void
}

export function startStore(plan: StorePlan, deps: StoreDeps): Store {
  const childDeps: ChildDeps = {
    ...deps,
    onUsage(message, from) {
      for (const gateway of gateways) if (gateway !== from) gateway.tell(message)
    },
  }
  const { nodes: nodeCount, workers } = plan.settings
  const nodes = numbers(nodeCount).map((number) => superviseChild(planNode(plan, number), childDeps))
  const gateways: SupervisedChild[] = numbers(workers).map((number) =>
    superviseChild(planGateway(plan, number), childDeps),
  )
  const all = [...nodes, ...gateways]
  const ready = Promise.all(all.map((child) => child.ready)).then(() => {})
  ready.catch(() => {}) // whoever awaits it hears of it

  const stop = async (drainMs: number, hurry: AbortSignal) => {
    await stopAll(gateways, drainMs, hurry)
    await stopAll(nodes, drainMs, hurry)
  }
  return {
    ready,
    processes: () => all.map(({ name, pid }) => ({ name, pid: pid ?? null })),
    stop,
    [Symbol.asyncDispose]: () => stop(0, new AbortController().signal),
  }
}

async function stopAll(children: readonly SupervisedChild[], drainMs: number, hurry: AbortSignal): Promise<void> {
  const hurryUp = () => {
    for (const child of children) void child.stop(0)
  }
  hurry.addEventListener('abort', hurryUp, { once: true })
  try {
    await Promise.all(children.map((child) => child.stop(hurry.aborted ? 0 : drainMs)))
  } finally {
    hurry.removeEventListener('abort', hurryUp)
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
