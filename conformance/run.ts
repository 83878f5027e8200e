import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { glob } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startStore } from './support/store.ts'
import { environmentOfTarget, type Target, targetOfEnvironment } from './support/target.ts'

/**
 * Runs suites against one store: `node conformance/run.ts [--endpoint URL | --tls] [--jobs N] [s3|clients|FILE…]`.
 * Without an endpoint (or CONFORMANCE_ENDPOINT) a fresh `sextant up` is started and stopped, with TLS on its S3 port by `--tls`. Keys: AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY; for the tests of two accounts also CONFORMANCE_OTHER_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY, for that
 * of key policies CONFORMANCE_LIMITED_…: a key of the same account, made with `--policy conformance/support/limited-key.json`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    endpoint: { type: 'string' },
    tls: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    reporter: { type: 'string' },
  },
})
const here = fileURLToPath(new URL('.', import.meta.url))
const given = targetOfEnvironment({
  ...process.env,
  ...(values.endpoint && { CONFORMANCE_ENDPOINT: values.endpoint }),
})
let tapRun: ChildProcess | undefined
let isStopping = false
// A signal ends tap; then the store is stopped as at any other end, so nothing is left running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    isStopping = true
    tapRun?.kill('SIGTERM')
  })
process.exitCode = given ? await runTap(given) : await runOnFreshStore()

async function runOnFreshStore(): Promise<number> {
  await using store = await startStore({ hasTls: values.tls })
  return await runTap(store.target)
}

async function runTap(target: Target): Promise<number> {
  if (isStopping) return 1
  const startedMs = performance.now()
  const files = await findFiles(positionals.length > 0 ? positionals : ['s3'])
  const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))
  const options = [`--jobs=${values.jobs}`, '--timeout=300', `--reporter=${values.reporter ?? 'terse'}`]
  tapRun = spawn(process.execPath, [tap, ...options, ...files], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ...environmentOfTarget(target) },
    stdio: 'inherit',
  })
  const [code] = (await once(tapRun, 'exit')) as [number | null]
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`conformance: ${files.length} files against ${target.endpoint.href} in ${seconds} s`)
  return code ?? 1
}

async function findFiles(names: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const name of names) {
    if (name.endsWith('.ts')) files.push(name)
    else for await (const file of glob(`${name}/*.test.ts`, { cwd: here })) files.push(`conformance/${file}`)
  }
  return files.sort()
}
