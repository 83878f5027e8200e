#!/usr/bin/env node
// The `sextant` command. Plain JavaScript that any Node from 14 on can read: where this Node is too old, the one that came
// with `npm ci` (the npm package `node`) takes over. In a clone src/ runs as it is (types are stripped); published, dist/.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))

if (isSupported(process.versions.node)) await run()
else handOver()

/** Type stripping without a flag came with 22.18. */
function isSupported(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

async function run() {
  hideStrippingWarning()
  // Halves what a process spends on loading; a directory of our own, for /tmp belongs to everyone.
  module.enableCompileCache?.(join(root, 'node_modules', '.cache', 'sextant'))
  const source = join(root, 'src', 'cli', 'main.ts')
  const main = existsSync(source) ? source : join(root, 'dist', 'cli', 'main.js')
  const { runCommand } = await import(pathToFileURL(main).href)
  process.exitCode = await runCommand(process.argv.slice(2))
}

/** Node 22 announces type stripping as experimental, on every start of every process. */
function hideStrippingWarning() {
  const emit = process.emitWarning
  process.emitWarning = (warning, ...rest) => {
    const isStripping = String(warning).startsWith('Type Stripping is an experimental feature')
    if (!isStripping) emit.call(process, warning, ...rest)
  }
}

/** The channel tells the newer Node when this one is killed, so that nothing is left behind. */
function handOver() {
  const node = findBundledNode()
  if (!node || realpathSync(node) === realpathSync(process.execPath)) {
    console.error(
      `sextant needs Node 22.18 or later, and this is ${process.versions.node}: run \`npm ci\` first, it brings one.`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`sextant could not start ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0))
  })
}

/** Beside this package, or above it where it is installed as a dependency. */
function findBundledNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let directory = root; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', 'node', 'bin', name)
    if (existsSync(candidate)) return candidate
    if (dirname(directory) === directory) return undefined
  }
}
