import { join } from 'node:path'

export interface DataPaths {
  root: string
  /** The embedded PostgreSQL's own. */
  postgres: string
  secrets: string
  /** What holds only while the store runs: sockets, and where to reach it. */
  run: string
  /** Sockets at which processes tell their metrics. */
  metrics: string
  /** Of storage node 1, 2, … */
  node(number: number): string
}

/** Where things lie in a data directory. */
export function dataPaths(root: string): DataPaths {
  return {
    root,
    postgres: join(root, 'postgres'),
    secrets: join(root, 'secrets'),
    run: join(root, 'run'),
    metrics: join(root, 'run', 'metrics'),
    node: (number) => join(root, 'nodes', String(number)),
  }
}
