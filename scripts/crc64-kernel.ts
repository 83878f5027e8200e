/**
 * Writes the WebAssembly text of the CRC-64/NVME kernel: 16 bytes a step, by a table for each of them ("slicing by 16":
 * Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008). Steps by 8 take
 * half as long again.
 *
 * `crc64(state, from, to)`: goes on from the 8 bytes at `state`, and leaves them there, over the bytes from `from` up to
 * `to`. The caller writes the 16 tables at address 0: table n holds what a byte becomes that n more zero bytes follow.
 */
export function crc64KernelSource(): string {
  return `(module
  (import "env" "memory" (memory 1))
  (func (export "crc64") (param $state i32) (param $from i32) (param $to i32)
    (local $crc i64) (local $first i64) (local $second i64) (local $lastStep i32)
    (local.set $crc (i64.load (local.get $state)))
    (local.set $lastStep (i32.sub (local.get $to) (i32.const ${STEP_BYTES})))
    (block $stepped (loop $step
      (br_if $stepped (i32.gt_s (local.get $from) (local.get $lastStep)))
      (local.set $first (i64.xor (local.get $crc) (i64.load (local.get $from))))
      (local.set $second (i64.load offset=8 (local.get $from)))
      (local.set $crc ${sum(STEP)})
      (local.set $from (i32.add (local.get $from) (i32.const ${STEP_BYTES})))
      (br $step)))
    (block $done (loop $byte
      (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
      (local.set $first (i64.xor (local.get $crc) (i64.load8_u (local.get $from))))
      (local.set $crc (i64.xor (i64.shr_u (local.get $crc) (i64.const 8)) ${lookUp(0, '$first', 0)}))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $byte)))
    (i64.store (local.get $state) (local.get $crc))))
`
}

const STEP_BYTES = 16
const WORD_BYTES = 8
const ENTRY_BYTES = 8
const TABLE_BYTES = 256 * ENTRY_BYTES

const STEP = Array.from({ length: STEP_BYTES }, (_, i) =>
  lookUp(STEP_BYTES - 1 - i, i < WORD_BYTES ? '$first' : '$second', i % WORD_BYTES),
)

/** The entry of a table for one byte of a word, 0 being the lowest. */
function lookUp(table: number, word: string, byte: number): string {
  const bits = 8 * byte - Math.log2(ENTRY_BYTES)
  const shift = bits < 0 ? 'i64.shl' : 'i64.shr_u'
  const shifted = `(i32.wrap_i64 (${shift} (local.get ${word}) (i64.const ${Math.abs(bits)})))`
  return `(i64.load offset=${table * TABLE_BYTES} (i32.and ${shifted} (i32.const ${TABLE_BYTES - ENTRY_BYTES})))`
}

/** As a tree, so that no addition waits for all before it. */
function sum(terms: readonly string[]): string {
  if (terms.length === 1) return terms[0]!
  const half = terms.length / 2
  return `(i64.xor ${sum(terms.slice(0, half))} ${sum(terms.slice(half))})`
}
