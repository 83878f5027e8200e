/**
 * Makes src/striping/kernel-binary.ts of wasm/stripe-kernel.wat. With --check it writes nothing, and ends with 1 when the
 * committed file is not what the source gives.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import initWabt from 'wabt'

const SOURCE = new URL('../wasm/stripe-kernel.wat', import.meta.url)
export const KERNEL_MODULE = new URL('../src/striping/kernel-binary.ts', import.meta.url)

/** The text of the module that the WebAssembly source gives. */
export async function buildKernelModule(): Promise<string> {
  const wabt = await initWabt()
  const source = wabt.parseWat('stripe-kernel.wat', await readFile(SOURCE, 'utf8'), { simd: true })
  try {
    source.resolveNames()
    source.validate()
    const binary = Buffer.from(source.toBinary({ write_debug_names: false }).buffer)
    return `// Made of wasm/stripe-kernel.wat by scripts/build-kernel.ts: do not edit.
export const KERNEL_BASE64 =
  '${binary.toString('base64')}'
`
  } finally {
    source.destroy()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = await buildKernelModule()
  if (!process.argv.includes('--check')) {
    await writeFile(KERNEL_MODULE, built)
  } else if ((await readFile(KERNEL_MODULE, 'utf8')) !== built) {
    process.stderr.write(
      'src/striping/kernel-binary.ts is not what wasm/stripe-kernel.wat gives: run scripts/build-kernel.ts\n',
    )
    process.exitCode = 1
  }
}
