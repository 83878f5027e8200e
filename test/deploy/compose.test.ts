import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readSettings } from '../../src/base/config.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** YAML's anchors and merges are resolved by Debian's python3-yaml, which Patroni needs; in CI it must be there. */
const PRINT = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'

interface Service {
  image?: string
  build?: string
  user?: string
  command?: string[]
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  networks?: string[]
  ports?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  stop_grace_period?: string
  environment?: Record<string, string>
}

const text = readFileSync(`${ROOT}/docker-compose.yml`, 'utf8')
const printed = spawnSync('python3', ['-c', PRINT], { input: text, encoding: 'utf8' })
const isMissing = !process.env.CI && printed.status !== 0

t.test('compose: what the services are, and what each may do', { skip: isMissing }, async (t) => {
  t.equal(printed.status, 0, printed.stderr)
  const compose = JSON.parse(printed.stdout) as { services: Record<string, Service>; volumes: object; networks: object }
  const { postgres, migrate, gateway, ...nodes } = compose.services
  const all = Object.entries(compose.services)
  t.same(
    Object.keys(nodes),
    [1, 2, 3, 4, 5, 6].map((number) => `storage-${number}`),
  )

  for (const [name, service] of all) {
    t.match(service, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] }, name)
    t.same(service.networks, ['sextant'], `${name}: one network`)
    if (service !== migrate) t.ok(service.healthcheck, `${name} is asked how it is`)
  }
  const ports = all.flatMap(([, service]) => service.ports ?? [])
  t.same(
    ports.filter((port) => !port.startsWith('127.0.0.1:')),
    ['8080:8080'],
    'only S3 is published to others',
  )
  t.same(ports.filter((port) => port.startsWith('127.0.0.1:')).sort(), ['127.0.0.1:5432:5432', '127.0.0.1:8081:8081'])
  const volumes = all.flatMap(([, service]) => service.volumes ?? []).map((volume) => volume.split(':')[0])
  t.same(volumes.toSorted(), Object.keys(compose.volumes).toSorted(), 'each volume belongs to one')
  t.equal(new Set(volumes).size, all.length - 1, 'and each but migrate has one')

  t.match(postgres, { image: 'postgres:15', user: /^[1-9]\d*:[1-9]\d*$/ })
  t.match(postgres!.healthcheck!.test.join(' '), /pg_isready/)
  t.same(migrate!.depends_on, { postgres: { condition: 'service_healthy' } })
  const { drainMs, stopNoticeMs } = readSettings({ env: {}, readFile: () => '' })
  for (const [name, service] of Object.entries({ gateway: gateway!, ...nodes })) {
    t.match(service, { image: 'sextant', command: [name === 'gateway' ? 'gateway' : 'storage-node'] })
    t.same(service.depends_on, { migrate: { condition: 'service_completed_successfully' } }, name)
    const patienceMs = 1000 * Number.parseInt(service.stop_grace_period!, 10)
    if (name !== 'gateway')
      t.match(service.environment, { SEXTANT_NODE_METRICS_PORT: /^[1-9]\d*$/ }, `${name} tells its metrics`)
    t.ok(patienceMs > drainMs + stopNoticeMs + 4000, `${name} has the time to end in order`)
  }
})

t.test('compose: the image is made in stages, and runs as an ordinary user', async (t) => {
  const dockerfile = readFileSync(`${ROOT}/Dockerfile`, 'utf8')
  const stages = dockerfile.split(/^FROM /m).slice(1)
  t.ok(stages.length > 1)
  t.match(stages.at(-1), /^USER node$/m)
  t.notMatch(stages.at(-1), /npm (ci|install)|COPY src/)
})
