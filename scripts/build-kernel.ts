/**
 * Makes the WebAssembly binaries of src/striping of their sources. With --check it writes nothing, and ends with 1 when a
 * committed file is not what its source gives.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import initWabt from 'wabt'
import { crc64KernelSource } from './crc64-kernel.ts'
import { md5KernelSource } from './md5-kernel.ts'

interface KernelBinary {
  /** The module that is made. */
  readonly file: URL
  readonly constant: string
  /** Where the source is, from the root. */
  readonly madeOf: string
  /** WebAssembly text. */
  source(): Promise<string>
}

export const stripeKernel: KernelBinary = {
  file: new URL('../src/striping/kernel-binary.ts', import.meta.url),
  constant: 'KERNEL_BASE64',
  madeOf: 'wasm/stripe-kernel.wat',
  source: () => readFile(new URL('../wasm/stripe-kernel.wat', import.meta.url), 'utf8'),
}

export const md5Kernel: KernelBinary = {
  file: new URL('../src/striping/md5-binary.ts', import.meta.url),
  constant: 'MD5_KERNEL_BASE64',
  madeOf: 'scripts/md5-kernel.ts',
  source: async () => md5KernelSource(),
}

export const crc64Kernel: KernelBinary = {
  file: new URL('../src/striping/crc64-binary.ts', import.meta.url),
  constant: 'CRC64_KERNEL_BASE64',
  madeOf: 'scripts/crc64-kernel.ts',
  source: async () => crc64KernelSource(),
}

/** The text of the module that a kernel's source gives. */
export async function buildKernel({ constant, madeOf, source }: KernelBinary): Promise<string> {
  const wabt = await initWabt()
  const parsed = wabt.parseWat(madeOf, await source(), { simd: true })
  try {
    parsed.resolveNames()
    parsed.validate()
    const binary = Buffer.from(parsed.toBinary({ write_debug_names: false }).buffer)
    return `// Made of ${madeOf} by scripts/build-kernel.ts: do not edit.
export const ${constant} =
  '${binary.toString('base64')}'
`
  } finally {
    parsed.destroy()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const kernel of [stripeKernel, md5Kernel, crc64Kernel]) {
    const built = await buildKernel(kernel)
    if (!process.argv.includes('--check')) {
      await writeFile(kernel.file, built)
    } else if ((await readFile(kernel.file, 'utf8')) !== built) {
      process.stderr.write(
        `${fileURLToPath(kernel.file)} is not what ${kernel.madeOf} gives: run scripts/build-kernel.ts\n`,
      )
      process.exitCode = 1
    }
  }
}
