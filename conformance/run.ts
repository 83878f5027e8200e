import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { glob } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startStore } from './support/store.ts'
import { environmentOfTarget, type Target, targetOfEnvironment } from './support/target.ts'

/**
 * Runs suites against one store: `node conformance/run.ts [--endpoint URL] [--jobs N] [s3|clients|FILE…]`.
 * Without an endpoint (or CONFORMANCE_ENDPOINT) a fresh `sextant up` is started and stopped. Keys: AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY; for the tests of two accounts also CONFORMANCE_OTHER_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { endpoint: { type: 'string' }, jobs: { type: 'string', default: '2' }, reporter: { type: 'string' } },
})
const here = fileURLToPath(new URL('.', import.meta.url))
const given = targetOfEnvironment({
  ...process.env,
  ...(values.endpoint && { CONFORMANCE_ENDPOINT: values.endpoint }),
})
process.exitCode = given ? await runTap(given) : await runOnFreshStore()

async function runOnFreshStore(): Promise<number> {
  await using store = await startStore()
  return await runTap(store.target)
}

async function runTap(target: Target): Promise<number> {
  const startedMs = performance.now()
  const files = await findFiles(positionals.length > 0 ? positionals : ['s3'])
  const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))
  const options = [`--jobs=${values.jobs}`, '--timeout=300', `--reporter=${values.reporter ?? 'terse'}`]
  const child = spawn(process.execPath, [tap, ...options, ...files], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ...environmentOfTarget(target) },
    stdio: 'inherit',
  })
  // Ctrl-C reaches tap by itself; this process waits for it, then stops the store.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = (await once(child, 'exit')) as [number | null]
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
