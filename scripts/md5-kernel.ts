/**
 * Writes the WebAssembly text of the MD5 kernel: the 64 steps of RFC 1321 written out, for one body in plain integers, and
 * for 4 and 8 bodies at once, one in each 32-bit lane of a vector. A step waits for the step before it, so two vectors
 * that take turns run nearly twice as fast as one; a third brings a sixth more, a fourth less, for registers run out.
 *
 * All functions take (blocks): how many blocks of 64 bytes, 1 or more, to hash from each lane's address on. In memory, at
 * the imported global `scratch`, see `at` below. The table of constants is the kernel's own; the caller writes states and
 * addresses, and reads the states back.
 */
export function md5KernelSource(): string {
  return `(module
  (import "env" "memory" (memory 1))
  (import "env" "scratch" (global $scratch i32))
  (data (global.get $scratch) "${TABLE.map(littleEndian).join('')}")
${scalarFunction()}
${vectorFunction('md5x4', 1)}
${vectorFunction('md5x8', 2)}
)
`
}

/** Offsets from `scratch`. Lanes 0-3 are group 0, lanes 4-7 group 1; a group's state is four vectors: a, b, c, d. */
const at = { table: 0, states: 256, addresses: 384 }

/** RFC 1321, section 3.4. */
const CONSTANTS = Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))))
/** For vectors, whose round 4 takes away the inverse of its function: + f is - ~f - 1. */
const TABLE = CONSTANTS.map((constant, i) => (i < 48 ? constant : constant - 1))
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const
const WORDS = ['a', 'b', 'c', 'd'] as const

interface Step {
  round: number
  index: number
  /** Which word of the block. */
  word: number
  left: number
  /** What plays a, b, c and d of the RFC. */
  roles: readonly [string, string, string, string]
}

const STEPS: readonly Step[] = CONSTANTS.map((_, index) => {
  const round = index >> 4
  const word = [index, 5 * index + 1, 3 * index + 5, 7 * index][round]! % 16
  const role = (i: number) => WORDS[(i - index + 64) % 4]!
  return { round, index, word, left: ROTATIONS[round]![index % 4]!, roles: [role(0), role(1), role(2), role(3)] }
})

/** One kind of arithmetic: plain integers, or vectors of them. */
interface Arithmetic {
  add(a: string, b: string): string
  xor(a: string, b: string): string
  and(a: string, b: string): string
  /** a and not b. */
  andNot(a: string, b: string): string
  /** `sum` and the functions of rounds 1 and 4, as they cost least. */
  addFirst(sum: string, b: string, c: string, d: string): string
  addLast(sum: string, b: string, c: string, d: string): string
}

const plain: Arithmetic = {
  add: (a, b) => `(i32.add ${a} ${b})`,
  xor: (a, b) => `(i32.xor ${a} ${b})`,
  and: (a, b) => `(i32.and ${a} ${b})`,
  andNot: (a, b) => plain.and(a, inverted(b)),
  addFirst: (sum, b, c, d) => plain.add(sum, plain.xor(d, plain.and(b, plain.xor(c, d)))),
  addLast: (sum, b, c, d) => plain.add(sum, plain.xor(c, `(i32.or ${b} ${inverted(d)})`)),
}

const vector: Arithmetic = {
  add: (a, b) => `(i32x4.add ${a} ${b})`,
  xor: (a, b) => `(v128.xor ${a} ${b})`,
  and: (a, b) => `(v128.and ${a} ${b})`,
  andNot: (a, b) => `(v128.andnot ${a} ${b})`,
  addFirst: (sum, b, c, d) => vector.add(vector.add(sum, vector.andNot(d, b)), vector.and(c, b)),
  addLast: (sum, b, c, d) => `(i32x4.sub ${sum} ${vector.xor(c, vector.andNot(d, b))})`,
}

/** `sum` and the round's function of b, c, d. What b is needed for comes last: the step before has only just made it. */
function mix(arithmetic: Arithmetic, round: number, sum: string, roles: readonly string[]): string {
  const { add, xor, and, andNot, addFirst, addLast } = arithmetic
  const [, b, c, d] = roles.map(get) as [string, string, string, string]
  if (round === 0) return addFirst(sum, b, c, d)
  if (round === 1) return add(add(sum, andNot(c, d)), and(b, d))
  if (round === 2) return add(sum, xor(b, xor(c, d)))
  return addLast(sum, b, c, d)
}

function scalarFunction(): string {
  const steps = STEPS.map(({ round, index, word, left, roles }) => {
    const [a, b] = roles
    const message = `(i32.load offset=${4 * word} ${get('p')})`
    const sum = plain.add(plain.add(get(a), message), `(i32.const ${CONSTANTS[index]})`)
    return set(a, plain.add(get(b), `(i32.rotl ${mix(plain, round, sum, roles)} (i32.const ${left}))`))
  })
  return wholeFunction('md5x1', {
    locals: [...WORDS, ...WORDS.map(kept), 'p'].map((name) => `(local $${name} i32)`),
    before: [
      ...WORDS.map((name, i) => set(name, `(i32.load offset=${at.states + 16 * i} (global.get $scratch))`)),
      set('p', `(i32.load offset=${at.addresses} (global.get $scratch))`),
    ],
    turn: [
      ...WORDS.map((name) => set(kept(name), get(name))),
      ...steps,
      ...WORDS.map((name) => set(name, plain.add(get(name), get(kept(name))))),
      set('p', plain.add(get('p'), '(i32.const 64)')),
    ],
    after: WORDS.map((name, i) => `(i32.store offset=${at.states + 16 * i} (global.get $scratch) ${get(name)})`),
  })
}

function vectorFunction(name: string, groupCount: number): string {
  const groups = Array.from({ length: groupCount }, (_, group) => group)
  const states = groups.flatMap((group) =>
    WORDS.map((word, i) => ({ name: `${word}${group}`, offset: at.states + 64 * group + 16 * i })),
  )
  const addresses = groups.flatMap((group) => lanesOf(group).map((lane) => `p${lane}`))
  const vectors = groups.flatMap((group) => [
    ...Array.from({ length: 16 }, (_, word) => `w${word}_${group}`),
    ...['r0', 'r1', 'r2', 'r3', 'x', 'y'].map((temporary) => `${temporary}_${group}`),
  ])
  const steps = STEPS.flatMap((step) => [
    ...(step.index < 16 && step.index % 4 === 0 ? groups.flatMap((group) => transpose(group, step.index / 4)) : []),
    set('k', `(v128.load32_splat offset=${at.table + 4 * step.index} (local.get $base))`),
    ...groups.map((group) => vectorSum(step, group)),
    ...groups.map((group) => vectorRotation(step, group)),
  ])
  return wholeFunction(name, {
    locals: [
      '(local $base i32) (local $k v128)',
      ...addresses.map((p) => `(local $${p} i32)`),
      ...[...states.flatMap((state) => [state.name, kept(state.name)]), ...vectors].map((v) => `(local $${v} v128)`),
    ],
    before: [
      set('base', '(global.get $scratch)'),
      ...states.map((state) => set(state.name, `(v128.load offset=${state.offset} ${get('base')})`)),
      ...addresses.map((p, lane) => set(p, `(i32.load offset=${at.addresses + 4 * lane} ${get('base')})`)),
    ],
    turn: [
      ...states.map((state) => set(kept(state.name), get(state.name))),
      ...steps,
      ...states.map((state) => set(state.name, vector.add(get(state.name), get(kept(state.name))))),
      ...addresses.map((p) => set(p, plain.add(get(p), '(i32.const 64)'))),
    ],
    after: states.map((state) => `(v128.store offset=${state.offset} ${get('base')} ${get(state.name)})`),
  })
}

function vectorSum({ round, word, roles }: Step, group: number): string {
  const sum = vector.add(vector.add(get(`${roles[0]}${group}`), get('k')), get(`w${word}_${group}`))
  const inGroup = roles.map((role) => `${role}${group}`)
  return set(`x_${group}`, mix(vector, round, sum, inGroup))
}

function vectorRotation({ left, roles: [a, b] }: Step, group: number): string {
  const x = get(`x_${group}`)
  const rotated = `(v128.or (i32x4.shl ${x} (i32.const ${left})) (i32x4.shr_u ${x} (i32.const ${32 - left})))`
  return set(`${a}${group}`, vector.add(get(`${b}${group}`), rotated))
}

/** Words 4 × quad to 4 × quad + 3 of four lanes' blocks: from a lane a row to a word a row. */
function transpose(group: number, quad: number): string[] {
  const [r0, r1, r2, r3] = [0, 1, 2, 3].map((i) => get(`r${i}_${group}`)) as [string, string, string, string]
  const [x, y] = [`x_${group}`, `y_${group}`]
  const word = (i: number, value: string) => set(`w${4 * quad + i}_${group}`, value)
  return [
    ...lanesOf(group).map((lane, i) => set(`r${i}_${group}`, `(v128.load offset=${16 * quad} ${get(`p${lane}`)})`)),
    set(x, shuffle([0, 4, 1, 5], r0, r1)),
    set(y, shuffle([0, 4, 1, 5], r2, r3)),
    word(0, shuffle([0, 1, 4, 5], get(x), get(y))),
    word(1, shuffle([2, 3, 6, 7], get(x), get(y))),
    set(x, shuffle([2, 6, 3, 7], r0, r1)),
    set(y, shuffle([2, 6, 3, 7], r2, r3)),
    word(2, shuffle([0, 1, 4, 5], get(x), get(y))),
    word(3, shuffle([2, 3, 6, 7], get(x), get(y))),
  ]
}

/** By 32-bit words: 0-3 are those of a, 4-7 those of b. */
function shuffle(words: readonly number[], a: string, b: string): string {
  const bytes = words.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3])
  return `(i8x16.shuffle ${bytes.join(' ')} ${a} ${b})`
}

interface FunctionText {
  locals: readonly string[]
  before: readonly string[]
  /** For each block. */
  turn: readonly string[]
  after: readonly string[]
}

function wholeFunction(name: string, { locals, before, turn, after }: FunctionText): string {
  const isMore = `(local.tee $blocks (i32.sub ${get('blocks')} (i32.const 1)))`
  const loop = ['(loop $next', ...turn, `(br_if $next ${isMore}))`]
  return `(func (export "${name}") (param $blocks i32)\n${[...locals, ...before, ...loop, ...after].join('\n')})`
}

const lanesOf = (group: number) => [0, 1, 2, 3].map((i) => 4 * group + i)
const kept = (name: string) => `${name}_kept`
const inverted = (value: string) => `(i32.xor ${value} (i32.const -1))`
const get = (name: string) => `(local.get $${name})`
const set = (name: string, value: string) => `(local.set $${name} ${value})`

/** A word as a data segment spells it. */
function littleEndian(word: number): string {
  return [0, 8, 16, 24].map((shift) => `\\${((word >>> shift) & 0xff).toString(16).padStart(2, '0')}`).join('')
}
