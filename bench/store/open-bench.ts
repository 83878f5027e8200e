import type { Bench, Scale } from '../workloads/workload.ts'
import { type Inside, openInside } from './inside.ts'
import type { Target } from './target.ts'

export function openBench(target: Target, scale: Scale): Bench & AsyncDisposable {
  const opened = new AsyncDisposableStack()
  let inside: Promise<Inside> | undefined
  const open = async () => {
    if (!target.own) throw new Error('only a store that was started here can be looked into')
    return opened.use(await openInside(target.own))
  }
  return {
    target,
    scale,
    objects: new Map(),
    inside: () => (inside ??= open()),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
