import { CRC64_KERNEL_BASE64 } from './crc64-binary.ts'
import { WebAssembly } from './wasm.ts'

/** x^63 first, bits reflected: NVM Express NVM Command Set Specification, section 5.2.1.3.4. */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n
const TABLES = 16
const ENTRIES = 256
/** From here on, in bytes, behind the tables: the state, and what is hashed next. */
const STATE = TABLES * ENTRIES * 8
const INPUT = STATE + 64
const PAGE_BYTES = 65_536
const PAGES = 2
const INPUT_BYTES = PAGES * PAGE_BYTES - INPUT

/** As scripts/crc64-kernel.ts makes it. */
interface Crc64Exports {
  crc64(state: number, from: number, to: number): void
}

interface Kernel extends Crc64Exports {
  /** Low word first. */
  readonly state: Uint32Array
  readonly input: Uint8Array
}

/** A running CRC-64/NVME, as S3 shows it: 8 bytes, big endian. A seventh of what the SDK's, in JavaScript, costs. */
export class Crc64Nvme {
  readonly #state = Uint32Array.of(0xffffffff, 0xffffffff)

  update(bytes: Uint8Array): void {
    const { state, input, crc64 } = sharedKernel()
    state.set(this.#state)
    for (let from = 0; from < bytes.length; from += INPUT_BYTES) {
      const piece = bytes.subarray(from, from + INPUT_BYTES)
      input.set(piece)
      crc64(STATE, INPUT, INPUT + piece.length)
    }
    this.#state.set(state)
  }

  digest(): Buffer {
    const digest = Buffer.allocUnsafe(8)
    digest.writeUInt32BE(~this.#state[1]! >>> 0, 0)
    digest.writeUInt32BE(~this.#state[0]! >>> 0, 4)
    return digest
  }
}

let kernel: Kernel | undefined

/** Made when it is first needed: one serves all, as a call is over before the next one begins. */
function sharedKernel(): Kernel {
  kernel ??= openKernel()
  return kernel
}

function openKernel(): Kernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES })
  const module = new WebAssembly.Module(Buffer.from(CRC64_KERNEL_BASE64, 'base64'))
  const { crc64 } = new WebAssembly.Instance(module, { env: { memory } }).exports as Crc64Exports
  writeTables(new BigUint64Array(memory.buffer, 0, TABLES * ENTRIES))
  return {
    crc64,
    state: new Uint32Array(memory.buffer, STATE, 2),
    input: new Uint8Array(memory.buffer, INPUT, INPUT_BYTES),
  }
}

/** Table n: what a byte becomes that n more zero bytes follow. */
function writeTables(tables: BigUint64Array): void {
  for (let byte = 0; byte < ENTRIES; byte++) {
    let crc = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? POLYNOMIAL : 0n)
    tables[byte] = crc
  }
  for (let i = ENTRIES; i < tables.length; i++) {
    const shorter = tables[i - ENTRIES]!
    tables[i] = (shorter >> 8n) ^ tables[Number(shorter & 0xffn)]!
  }
}
