import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import t from 'tap'
import { makeProgram, runCommand } from '../../src/cli/main.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { BIN, sextant } from '../support/up.ts'

const root = mkdtempSync(join(tmpdir(), 'sextant-command-line-'))
t.teardown(() => rmSync(root, { recursive: true }))

/** They print nothing when all is well, or what is no data. */
const SILENT = ['gateway', 'storage-node', 'completion']
const SILENT_CHANGES = ['disable', 'enable', 'delete', 'set-policy', 'limit', 'allow'].map((name) => `key ${name}`)

function leaves(command: Command, path: readonly string[] = []): { path: readonly string[]; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }]
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
}

t.test('every command that prints data does so as JSON, too', async (t) => {
  const plain = leaves(makeProgram()).filter(({ command }) => !command.options.some(({ long }) => long === '--json'))
  t.same(plain.map(({ path }) => path.join(' ')).toSorted(), [...SILENT, ...SILENT_CHANGES].toSorted())
})

t.test('every command and every option says what it is', async (t) => {
  for (const { path, command } of leaves(makeProgram())) {
    t.not(command.description(), '', path.join(' '))
    for (const option of command.options)
      if (!option.hidden) t.not(option.description, '', `${path.join(' ')} ${option.long}`)
  }
})

t.test('every secret that an option takes may be given in a file, and the option says why', async (t) => {
  const withSecrets = leaves(makeProgram()).flatMap(({ path, command }) =>
    command.options
      .filter(({ long }) => /^--(.*secret.*|database-url)$/.test(long ?? '') && !long!.endsWith('-file'))
      .map((option) => ({ path: path.join(' '), option, names: command.options.map(({ long }) => long) })),
  )
  t.same(
    withSecrets.map(({ path, option }) => `${path} ${option.long}`),
    ['key create --secret-key', 'key rotate --secret-key', 'init --database-url'],
  )
  for (const { path, option, names } of withSecrets) {
    t.ok(names.includes(`${option.long}-file`), path)
    t.match(option.description, /others on this machine see it/, path)
  }
})

t.test('exit code 2 for every command that is asked for wrongly', async (t) => {
  const said = t.capture(process.stderr, 'write', () => true)
  for (const { path } of leaves(makeProgram()))
    t.equal(await runCommand([...path, '--no-such-option']), 2, path.join(' '))
  t.equal(await runCommand([]), 2)
  t.equal(await runCommand(['key', 'dance']), 2)
  t.equal(await runCommand(['key', 'create', '--account', 'a', '--secret-key', 's', '--secret-key-file', 'f']), 2)
  t.equal(await runCommand(['key', 'create', '--account', 'a', '--secret-key-file', join(root, 'not-there')]), 2)
  writeFileSync(join(root, 'two-lines'), 'one\ntwo\n')
  t.equal(await runCommand(['key', 'rotate', 'a', '--secret-key-file', join(root, 'two-lines')]), 2)
  const lines = said().map(({ args }) => String(args[0]))
  t.match(lines.join(''), /Give either --secret-key or --secret-key-file/)
  t.match(lines.join(''), /two-lines has to hold one line/)
})

t.test('key create: the secret comes by a file or standard input, and is in no list of processes', async (t) => {
  await using database = await openTestDatabase({ migrated: false })
  const env = { DATABASE_URL: database.url, SEXTANT_SEALING_KEY: '7'.repeat(64) }
  const run = async (...args: string[]) => await sextant(root, args, env).ended
  const migrated = await run('migrate', '--json')
  t.match(JSON.parse(migrated.stdout), { steps: Number })
  t.equal((await run('account', 'create', 'alice')).code, 0)

  const file = join(root, 'secret')
  writeFileSync(file, 'secret-in-a-file\n', { mode: 0o600 })
  const create = ['key', 'create', '--account', 'alice', '--json', '--access-key']
  const made = await run(...create, 'AKIAONE', '--secret-key-file', file)
  t.match(JSON.parse(made.stdout), { accessKeyId: 'AKIAONE', secretAccessKey: 'secret-in-a-file' })

  const args = [BIN, ...create, 'AKIATWO', '--secret-key-file', '-']
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const shown = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
  child.stdin.end('secret-of-standard-input')
  let stdout = ''
  for await (const text of child.stdout) stdout += text
  t.match(JSON.parse(stdout), { accessKeyId: 'AKIATWO', secretAccessKey: 'secret-of-standard-input' })
  t.notMatch(shown, /secret-of/)

  const rotated = await run('key', 'rotate', 'AKIATWO', '--secret-key-file', file, '--json')
  t.match(JSON.parse(rotated.stdout), { secretAccessKey: 'secret-in-a-file' })
  const expires = await run('key', 'expire', 'AKIAONE', '2031-01-31', '--json')
  t.same(JSON.parse(expires.stdout), { accessKeyId: 'AKIAONE', expiresAt: '2031-01-31T00:00:00.000Z' })
})
