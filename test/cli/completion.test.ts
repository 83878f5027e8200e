import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isMissing } from '../support/programs.ts'
import { sextant } from '../support/up.ts'

const root = mkdtempSync(join(tmpdir(), 'sextant-completion-'))
t.teardown(() => rmSync(root, { recursive: true }))
for (const name of ['policy one.json', 'policy-two.json']) writeFileSync(join(root, name), '{}')

/** What the last word of a line is completed to. The lines and answers are the same for every shell. */
const LINES: readonly (readonly [typed: string[], completed: string[]])[] = [
  [['key', 'cr'], ['create']],
  [
    ['key', ''],
    [
      'create',
      'list',
      'show',
      'rotate',
      'disable',
      'enable',
      'expire',
      'delete',
      'set-policy',
      'limit',
      'allow',
      'help',
    ],
  ],
  [
    ['key', 'create', '--acc'],
    ['--account', '--access-key'],
  ],
  [['key', 'create', '--account', 'key', '--js'], ['--json']],
  [
    ['bucket', 'set', 'photos', '--compression', ''],
    ['zstd', 'off', 'default'],
  ],
  [['doctor', '--role', 'st'], ['storage-node']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['help', 'comp'], ['completion']],
  [['gateway', '--super'], []],
  [['no-such-command', '--acc'], []],
]

async function script(t: Test, shell: string): Promise<string> {
  const { code, stdout, stderr } = await sextant('/nowhere', ['completion', shell]).ended
  t.match({ code, stderr }, { code: 0, stderr: '' })
  const file = join(root, `completion.${shell}`)
  writeFileSync(file, stdout)
  return file
}

function ask(shell: string, program: string, ...args: string[]): string[] {
  const { stdout, stderr, status } = spawnSync(shell, [...(shell === 'zsh' ? ['-f'] : []), '-c', program, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: root },
  })
  if (status !== 0 || stderr !== '') throw new Error(`${shell} ended with ${status}: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}

t.test('completion: bash completes commands, options, values and files', async (t) => {
  const file = await script(t, 'bash')
  const program = `source "$1"; shift
    bound=$(complete -p sextant); bound=\${bound#*-F }
    COMP_WORDS=(sextant "$@"); COMP_CWORD=$#; \${bound%% *} 2>/dev/null # compopt wants a line that is typed
    printf '%s\\n' "\${COMPREPLY[@]}"`
  for (const [typed, completed] of LINES)
    t.same(ask('bash', program, 'bash', file, ...typed), completed, typed.join(' '))
  t.same(ask('bash', program, 'bash', file, 'key', 'create', '--policy', 'pol').toSorted(), [
    'policy one.json',
    'policy-two.json',
  ])
  t.same(ask('bash', program, 'bash', file, 'backup', 'verify', 'policy-').toSorted(), ['policy-two.json'])
  t.match(ask('bash', program, 'bash', file, ''), ['up', 'gateway', 'storage-node'])
})

t.test('completion: fish', { skip: isMissing('fish') }, async (t) => {
  const file = await script(t, 'fish')
  const program = 'source $argv[1]; complete -C (string join -- " " sextant $argv[2..-1])'
  for (const [typed, completed] of LINES) {
    const words = ask('fish', program, file, ...typed).map((line) => line.split('\t')[0])
    t.same(words.toSorted(), completed.toSorted(), typed.join(' '))
  }
})

/** The parts that are the completion system's are replaced by ones that print what they are given. */
const ZSH = `
  compdef() { :; }
  _describe() { [[ $1 == -o ]] && shift; local name; for name in "\${(@P)2}"; do print -r -- "\${name%%:*}"; done; }
  compadd() { shift; print -rl -- "$@"; }
  _files() { print -r -- files; }
  _message() { :; }
  source "$1"; shift
  words=(sextant "$@"); CURRENT=$#words; PREFIX=$words[-1]
  _sextant`

t.test('completion: zsh', { skip: isMissing('zsh') }, async (t) => {
  const file = await script(t, 'zsh')
  for (const [typed, completed] of LINES) {
    const words = ask('zsh', ZSH, 'zsh', file, ...typed).filter((word) => word.startsWith(typed.at(-1)!))
    t.same(words, completed, typed.join(' '))
  }
  t.same(ask('zsh', ZSH, 'zsh', file, 'key', 'create', '--policy', ''), ['files'])
})

t.test('completion: what is printed for shells that are not here', async (t) => {
  const { stdout: zsh } = await sextant('/nowhere', ['completion', 'zsh']).ended
  t.match(zsh, /^#compdef sextant\n/)
  t.ok(zsh.includes("' bucket set --compression') compadd -- 'zstd' 'off' 'default'; return ;;"))
  t.ok(zsh.includes("'--account:whose key it is'"))
  const { stdout: fish } = await sextant('/nowhere', ['completion', 'fish']).ended
  t.ok(fish.includes(`complete -c sextant -n '__sextant_at \\' bucket set\\'' -l compression -x -a 'zstd off default'`))
  t.ok(fish.includes(`complete -c sextant -n '__sextant_at \\' key create\\'' -l policy -r -F`))
  for (const text of [zsh, fish]) t.notMatch(text, /supervised|share-port/, 'what is hidden stays so')
  t.match(await sextant('/nowhere', ['completion', 'tcsh']).ended, { code: 2, stderr: /bash, zsh, fish/ })
})
