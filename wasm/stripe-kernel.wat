;; Sextant's stripe kernel: parity over GF(2^8), polynomial 0x11d, on blocks that lie in memory at a fixed stride.
;;
;; Six source blocks at src, src + stride, … src + 5 * stride. Lengths are in bytes, multiples of 64 and not 0: the caller
;; leaves room, and what is computed behind a block's end is thrown away. Loops take 32 bytes a turn. Written out for six
;; sources, for V8 neither unrolls nor inlines here. Built by scripts/build-kernel.ts into src/striping/kernel-binary.ts.
(module
  (import "env" "memory" (memory 1))

  ;; dst = d0 + d1 + … + d5: parity chunk 0, and any block that parity 0 alone can rebuild.
  (func $xor6 (export "xor6")
    (param $src i32) (param $stride i32) (param $dst i32) (param $len i32)
    (local $d1 i32) (local $d2 i32) (local $d3 i32) (local $d4 i32) (local $d5 i32) (local $end i32)
    (local.set $d1 (i32.add (local.get $src) (local.get $stride)))
    (local.set $d2 (i32.add (local.get $d1) (local.get $stride)))
    (local.set $d3 (i32.add (local.get $d2) (local.get $stride)))
    (local.set $d4 (i32.add (local.get $d3) (local.get $stride)))
    (local.set $d5 (i32.add (local.get $d4) (local.get $stride)))
    (local.set $end (i32.add (local.get $src) (local.get $len)))
    (loop $next
      (v128.store (local.get $dst)
        (v128.xor
          (v128.xor
            (v128.xor (v128.load (local.get $src)) (v128.load (local.get $d1)))
            (v128.xor (v128.load (local.get $d2)) (v128.load (local.get $d3))))
          (v128.xor (v128.load (local.get $d4)) (v128.load (local.get $d5)))))
      (v128.store offset=16 (local.get $dst)
        (v128.xor
          (v128.xor
            (v128.xor (v128.load offset=16 (local.get $src)) (v128.load offset=16 (local.get $d1)))
            (v128.xor (v128.load offset=16 (local.get $d2)) (v128.load offset=16 (local.get $d3))))
          (v128.xor (v128.load offset=16 (local.get $d4)) (v128.load offset=16 (local.get $d5)))))
      (local.set $dst (i32.add (local.get $dst) (i32.const 32)))
      (local.set $src (i32.add (local.get $src) (i32.const 32)))
      (local.set $d1 (i32.add (local.get $d1) (i32.const 32)))
      (local.set $d2 (i32.add (local.get $d2) (i32.const 32)))
      (local.set $d3 (i32.add (local.get $d3) (i32.const 32)))
      (local.set $d4 (i32.add (local.get $d4) (i32.const 32)))
      (local.set $d5 (i32.add (local.get $d5) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $src) (local.get $end)))))

  ;; p = d0 + … + d5, q = d0 + 2 d1 + 4 d2 + … + 32 d5, by Horner's rule from d5 down: q = 2 q + d.
  ;; 2 q is q shifted left, less 0x1d where the top bit fell out.
  (func $pq6 (export "pq6")
    (param $src i32) (param $stride i32) (param $p i32) (param $q i32) (param $len i32)
    (local $d1 i32) (local $d2 i32) (local $d3 i32) (local $d4 i32) (local $d5 i32) (local $end i32)
    (local $pa v128) (local $qa v128) (local $pb v128) (local $qb v128) (local $d v128) (local $poly v128) (local $zero v128)
    (local.set $d1 (i32.add (local.get $src) (local.get $stride)))
    (local.set $d2 (i32.add (local.get $d1) (local.get $stride)))
    (local.set $d3 (i32.add (local.get $d2) (local.get $stride)))
    (local.set $d4 (i32.add (local.get $d3) (local.get $stride)))
    (local.set $d5 (i32.add (local.get $d4) (local.get $stride)))
    (local.set $end (i32.add (local.get $src) (local.get $len)))
    (local.set $poly (i8x16.splat (i32.const 0x1d)))
    (loop $next
      (local.set $pa (local.tee $qa (v128.load (local.get $d5))))
      (local.set $pb (local.tee $qb (v128.load offset=16 (local.get $d5))))
      (local.set $d (v128.load (local.get $d4)))
      (local.set $pa (v128.xor (local.get $pa) (local.get $d)))
      (local.set $qa
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qa) (local.get $qa))
            (v128.and (i8x16.lt_s (local.get $qa) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load offset=16 (local.get $d4)))
      (local.set $pb (v128.xor (local.get $pb) (local.get $d)))
      (local.set $qb
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qb) (local.get $qb))
            (v128.and (i8x16.lt_s (local.get $qb) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load (local.get $d3)))
      (local.set $pa (v128.xor (local.get $pa) (local.get $d)))
      (local.set $qa
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qa) (local.get $qa))
            (v128.and (i8x16.lt_s (local.get $qa) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load offset=16 (local.get $d3)))
      (local.set $pb (v128.xor (local.get $pb) (local.get $d)))
      (local.set $qb
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qb) (local.get $qb))
            (v128.and (i8x16.lt_s (local.get $qb) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load (local.get $d2)))
      (local.set $pa (v128.xor (local.get $pa) (local.get $d)))
      (local.set $qa
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qa) (local.get $qa))
            (v128.and (i8x16.lt_s (local.get $qa) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load offset=16 (local.get $d2)))
      (local.set $pb (v128.xor (local.get $pb) (local.get $d)))
      (local.set $qb
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qb) (local.get $qb))
            (v128.and (i8x16.lt_s (local.get $qb) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load (local.get $d1)))
      (local.set $pa (v128.xor (local.get $pa) (local.get $d)))
      (local.set $qa
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qa) (local.get $qa))
            (v128.and (i8x16.lt_s (local.get $qa) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load offset=16 (local.get $d1)))
      (local.set $pb (v128.xor (local.get $pb) (local.get $d)))
      (local.set $qb
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qb) (local.get $qb))
            (v128.and (i8x16.lt_s (local.get $qb) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load (local.get $src)))
      (local.set $pa (v128.xor (local.get $pa) (local.get $d)))
      (local.set $qa
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qa) (local.get $qa))
            (v128.and (i8x16.lt_s (local.get $qa) (local.get $zero)) (local.get $poly)))))
      (local.set $d (v128.load offset=16 (local.get $src)))
      (local.set $pb (v128.xor (local.get $pb) (local.get $d)))
      (local.set $qb
        (v128.xor (local.get $d)
          (v128.xor (i8x16.add (local.get $qb) (local.get $qb))
            (v128.and (i8x16.lt_s (local.get $qb) (local.get $zero)) (local.get $poly)))))
      (v128.store (local.get $p) (local.get $pa))
      (v128.store offset=16 (local.get $p) (local.get $pb))
      (v128.store (local.get $q) (local.get $qa))
      (v128.store offset=16 (local.get $q) (local.get $qb))
      (local.set $p (i32.add (local.get $p) (i32.const 32)))
      (local.set $q (i32.add (local.get $q) (i32.const 32)))
      (local.set $src (i32.add (local.get $src) (i32.const 32)))
      (local.set $d1 (i32.add (local.get $d1) (i32.const 32)))
      (local.set $d2 (i32.add (local.get $d2) (i32.const 32)))
      (local.set $d3 (i32.add (local.get $d3) (i32.const 32)))
      (local.set $d4 (i32.add (local.get $d4) (i32.const 32)))
      (local.set $d5 (i32.add (local.get $d5) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $src) (local.get $end)))))

  ;; dst = c0 d0 + … + c5 d5. For each coefficient c, 32 bytes at tables: c × 0…15, then c × 0x00, 0x10, … 0xf0; a product
  ;; is the sum of both nibbles' entries.
  (func $dot6 (export "dot6")
    (param $src i32) (param $stride i32) (param $dst i32) (param $tables i32) (param $len i32)
    (local $d1 i32) (local $d2 i32) (local $d3 i32) (local $d4 i32) (local $d5 i32) (local $end i32)
    (local $sa v128) (local $sb v128) (local $d v128) (local $low v128) (local $high v128) (local $nibble v128)
    (local.set $d1 (i32.add (local.get $src) (local.get $stride)))
    (local.set $d2 (i32.add (local.get $d1) (local.get $stride)))
    (local.set $d3 (i32.add (local.get $d2) (local.get $stride)))
    (local.set $d4 (i32.add (local.get $d3) (local.get $stride)))
    (local.set $d5 (i32.add (local.get $d4) (local.get $stride)))
    (local.set $end (i32.add (local.get $src) (local.get $len)))
    (local.set $nibble (i8x16.splat (i32.const 0x0f)))
    (loop $next
      (local.set $low (v128.load (local.get $tables)))
      (local.set $high (v128.load offset=16 (local.get $tables)))
      (local.set $d (v128.load (local.get $src)))
      (local.set $sa (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4)))))
      (local.set $d (v128.load offset=16 (local.get $src)))
      (local.set $sb (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4)))))
      (local.set $low (v128.load offset=32 (local.get $tables)))
      (local.set $high (v128.load offset=48 (local.get $tables)))
      (local.set $d (v128.load (local.get $d1)))
      (local.set $sa (v128.xor (local.get $sa) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $d (v128.load offset=16 (local.get $d1)))
      (local.set $sb (v128.xor (local.get $sb) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $low (v128.load offset=64 (local.get $tables)))
      (local.set $high (v128.load offset=80 (local.get $tables)))
      (local.set $d (v128.load (local.get $d2)))
      (local.set $sa (v128.xor (local.get $sa) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $d (v128.load offset=16 (local.get $d2)))
      (local.set $sb (v128.xor (local.get $sb) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $low (v128.load offset=96 (local.get $tables)))
      (local.set $high (v128.load offset=112 (local.get $tables)))
      (local.set $d (v128.load (local.get $d3)))
      (local.set $sa (v128.xor (local.get $sa) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $d (v128.load offset=16 (local.get $d3)))
      (local.set $sb (v128.xor (local.get $sb) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $low (v128.load offset=128 (local.get $tables)))
      (local.set $high (v128.load offset=144 (local.get $tables)))
      (local.set $d (v128.load (local.get $d4)))
      (local.set $sa (v128.xor (local.get $sa) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $d (v128.load offset=16 (local.get $d4)))
      (local.set $sb (v128.xor (local.get $sb) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $low (v128.load offset=160 (local.get $tables)))
      (local.set $high (v128.load offset=176 (local.get $tables)))
      (local.set $d (v128.load (local.get $d5)))
      (local.set $sa (v128.xor (local.get $sa) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (local.set $d (v128.load offset=16 (local.get $d5)))
      (local.set $sb (v128.xor (local.get $sb) (v128.xor
        (i8x16.swizzle (local.get $low) (v128.and (local.get $d) (local.get $nibble)))
        (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $d) (i32.const 4))))))
      (v128.store (local.get $dst) (local.get $sa))
      (v128.store offset=16 (local.get $dst) (local.get $sb))
      (local.set $dst (i32.add (local.get $dst) (i32.const 32)))
      (local.set $src (i32.add (local.get $src) (i32.const 32)))
      (local.set $d1 (i32.add (local.get $d1) (i32.const 32)))
      (local.set $d2 (i32.add (local.get $d2) (i32.const 32)))
      (local.set $d3 (i32.add (local.get $d3) (i32.const 32)))
      (local.set $d4 (i32.add (local.get $d4) (i32.const 32)))
      (local.set $d5 (i32.add (local.get $d5) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $src) (local.get $end)))))

  ;; All parity of a stripe: six data blocks at base, parity block r at base + (6 + r) * stride. In tiles that stay in the
  ;; first-level cache. tables: those of parity 2, then 3, …, six coefficients each (192 bytes a parity chunk).
  (func (export "encode")
    (param $base i32) (param $stride i32) (param $len i32) (param $parity i32) (param $tables i32)
    (local $tile i32) (local $dst i32) (local $table i32) (local $row i32)
    (loop $nextTile
      (local.set $tile (select (local.get $len) (i32.const 2048) (i32.lt_u (local.get $len) (i32.const 2048))))
      (local.set $dst (i32.add (local.get $base) (i32.mul (local.get $stride) (i32.const 6))))
      (if (i32.eq (local.get $parity) (i32.const 1))
        (then (call $xor6 (local.get $base) (local.get $stride) (local.get $dst) (local.get $tile)))
        (else
          (call $pq6 (local.get $base) (local.get $stride)
            (local.get $dst) (i32.add (local.get $dst) (local.get $stride)) (local.get $tile))))
      (local.set $dst (i32.add (local.get $dst) (local.get $stride)))
      (local.set $table (local.get $tables))
      (local.set $row (i32.const 2))
      (block $rowsDone
        (loop $nextRow
          (br_if $rowsDone (i32.ge_u (local.get $row) (local.get $parity)))
          (local.set $dst (i32.add (local.get $dst) (local.get $stride)))
          (call $dot6 (local.get $base) (local.get $stride) (local.get $dst) (local.get $table) (local.get $tile))
          (local.set $table (i32.add (local.get $table) (i32.const 192)))
          (local.set $row (i32.add (local.get $row) (i32.const 1)))
          (br $nextRow)))
      (local.set $base (i32.add (local.get $base) (local.get $tile)))
      (br_if $nextTile (local.tee $len (i32.sub (local.get $len) (local.get $tile)))))))
