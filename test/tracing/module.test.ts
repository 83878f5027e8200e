import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readSettings } from '../../src/base/config.ts'
import { systemClock } from '../../src/base/system.ts'
import { openTracing } from '../../src/cli/processes/open-tracing.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'sextant-tracing-'))
t.teardown(() => rmSync(directory, { recursive: true, force: true }))

function open(SEXTANT_TRACING_MODULE: string) {
  const settings = readSettings({ env: { SEXTANT_TRACING_MODULE }, readFile: () => '' })
  return openTracing({ settings, clock: systemClock })
}

function moduleOf(source: string): string {
  const path = join(directory, `${Buffer.from(source).toString('base64url').slice(0, 20)}.mjs`)
  writeFileSync(path, source)
  return path
}

/** What of OpenTelemetry is loaded by what a gateway and a node are made of, and `openTracing` with this environment. */
function loadedWith(env: Record<string, string>): string[] {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve(name, context, next) { if (name.startsWith('@opentelemetry')) seen.push(name); return next(name, context) } })
    await import('./src/cli/processes/gateway.ts')
    await import('./src/cli/processes/storage-node.ts')
    const { openTracing } = await import('./src/cli/processes/open-tracing.ts')
    const { readSettings } = await import('./src/base/config.ts')
    const { systemClock } = await import('./src/base/system.ts')
    await openTracing({ settings: readSettings({ env: ${JSON.stringify(env)}, readFile: () => '' }), clock: systemClock })
    process.stdout.write(JSON.stringify(seen))`
  const run = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: root, encoding: 'utf8' })
  return JSON.parse(run)
}

t.test('nothing of OpenTelemetry is loaded where no setting asks for traces', async (t) => {
  t.same(loadedWith({}), [])
  const asked = loadedWith({ SEXTANT_TRACING_MODULE: join(root, 'deploy/tracing/tracing.mjs') })
  t.ok(asked.includes('@opentelemetry/api') && asked.includes('@opentelemetry/sdk-trace'))
})

t.test('a module that is missing, fails, or registers nothing is told in a sentence', async (t) => {
  await t.rejects(open(join(directory, 'nothing.mjs')), {
    name: 'CommandFailure',
    message: /^The module of SEXTANT_TRACING_MODULE \(.*nothing\.mjs\) cannot be used: Cannot find module/,
  })
  await t.rejects(open(moduleOf('throw new Error("no collector")')), { message: /cannot be used: no collector\.$/ })
  await t.rejects(open(moduleOf('export const nothing = 1')), { message: /it registers no tracer provider/ })
})

t.test('deploy/tracing/tracing.mjs sends spans to a collector, what waits at the end too', async (t) => {
  const received: { path: string | undefined; body: string }[] = []
  const collector = createServer(async (request, response) => {
    received.push({ path: request.url, body: await text(request) })
    response.setHeader('Content-Type', 'application/json').end('{}')
  })
  collector.listen(0, '127.0.0.1')
  await once(collector, 'listening')
  t.teardown(() => collector.close())
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  process.env.OTEL_TRACES_SAMPLER_ARG = '1'
  process.env.OTEL_RESOURCE_ATTRIBUTES = 'deployment.environment.name=of-a-test'
  const tracing = await open(join(root, 'deploy/tracing/tracing.mjs'))
  const record = {
    operation: 'ListBuckets',
    method: 'GET',
    status: 200,
    code: undefined,
    durationMs: 1,
    firstByteMs: 1,
  }
  await tracing!.requests.run({ method: 'GET', headers: {}, isTls: false }, async (span) => {
    await span.step('authenticate', async () => {})
    span.end({ ...record, bytesIn: 0, bytesOut: 0 }, { requestId: 'A1', bucket: undefined, key: undefined })
  })
  await tracing![Symbol.asyncDispose]()
  t.same(
    received.map(({ path }) => path),
    ['/v1/traces'],
  )
  const [sent] = JSON.parse(received[0]!.body).resourceSpans
  const attributes = JSON.stringify(sent.resource.attributes)
  t.match(attributes, /"service.name".*"sextant-/)
  t.match(attributes, /of-a-test/)
  const [{ scope, spans }] = sent.scopeSpans
  t.equal(scope.name, 'sextant')
  t.same(spans.map(({ name }: { name: string }) => name).sort(), ['S3 ListBuckets', 'authenticate'])
})
