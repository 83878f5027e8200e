/** What is used of WebAssembly: Node's types do not declare it. */
interface WebAssemblyApi {
  Memory: new (size: { initial: number; maximum: number }) => WasmMemory
  Module: new (binary: Uint8Array) => object
  Instance: new (module: object, imports: object) => { readonly exports: unknown }
  Global: new (type: { value: 'i32'; mutable: false }, value: number) => object
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer
}

export const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
