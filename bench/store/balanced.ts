import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../conformance/support/free-ports.ts'
import { startProcess, startStore, stopProcess } from './start-store.ts'
import type { OwnStore, Target } from './target.ts'

const READY_MS_MAX = 30_000
const ASK_EVERY_MS = 50

export function hasBalancer(): boolean {
  return spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status === 0
}

/** A store, `gateways` - 1 further gateways on the same database and nodes, started by hand as on other machines, and haproxy before them. */
export async function startBalanced(gateways: number): Promise<Target> {
  await using started = new AsyncDisposableStack()
  const store = started.use(await startStore({ env: { SEXTANT_WORKERS: '1' } }))
  const ports = [store.s3.port]
  const children: ChildProcess[] = []
  const keep = (child: ChildProcess) => {
    children.push(child)
    started.defer(() => stopProcess(child))
  }
  for (let number = 2; number <= gateways; number++) {
    const port = await freePort()
    keep(startProcess(['gateway'], gatewayEnvironment(store.own, port)))
    await untilServing(`http://127.0.0.1:${port}/health`)
    ports.push(port)
  }
  const port = await freePort()
  const config = join(store.own.directory, 'haproxy.cfg')
  writeFileSync(config, balancerConfig(port, ports))
  keep(spawn('haproxy', ['-db', '-f', config], { stdio: ['ignore', 'ignore', 'inherit'] }))
  await untilServing(`http://127.0.0.1:${port}/health`)
  const owned = started.move()
  return {
    s3: { ...store.s3, port },
    pids: [...store.pids, ...children.map(({ pid }) => pid!)],
    own: store.own,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function gatewayEnvironment({ directory, databaseUrl }: OwnStore, port: number): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    SEXTANT_CLUSTER_TOKEN_FILE: join(directory, 'secrets', 'cluster-token'),
    SEXTANT_SEALING_KEY_FILE: join(directory, 'secrets', 'sealing-key'),
    SEXTANT_S3_PORT: String(port),
    SEXTANT_ADMIN_PORT: '0',
    SEXTANT_LOG_LEVEL: 'warn',
  }
}

/** Requests go round; the Host that was signed goes through as it came. */
function balancerConfig(port: number, gateways: readonly number[]): string {
  const servers = gateways.map((gateway, index) => `  server gateway-${index + 1} 127.0.0.1:${gateway} check`)
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend s3
  bind 127.0.0.1:${port}
  default_backend gateways
backend gateways
  balance roundrobin
  option httpchk GET /health
  http-reuse always
${servers.join('\n')}
`
}

async function untilServing(url: string): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX
  for (;;) {
    const isServing = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isServing) return
    if (performance.now() > deadlineMs) throw new Error(`${url} does not answer`)
    await sleep(ASK_EVERY_MS)
  }
}
