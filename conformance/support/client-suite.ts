import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Test } from 'tap'
import { bytes, sha256 } from './bytes.ts'
import { type Ran, run } from './program.ts'
import { openSuite, type Suite } from './suite.ts'
import { putTlsBefore } from './tls-front.ts'

export interface ClientSuite extends Suite {
  /** A directory for the file, removed at the end. */
  directory: string
  /** Writes a file of these many bytes below the directory. */
  makeFile(path: string, size: number): Promise<string>
  /** Runs a program with arguments; the test fails when its exit is not 0. */
  succeed(t: Test, args: readonly string[], stdin?: Uint8Array): Promise<Ran>
  attempt(args: readonly string[], stdin?: Uint8Array): Promise<Ran>
}

/**
 * A target, a bucket and a directory for one program. `environment` is made when the target and directory are known.
 * `byTls`: the program's target is by https; what the file itself sends is not.
 */
export async function openClientSuite(
  t: Test,
  program: string,
  environment: (suite: Suite, directory: string) => NodeJS.ProcessEnv,
  { byTls = false }: { byTls?: boolean | undefined } = {},
): Promise<ClientSuite> {
  const suite = await openSuite(t)
  const directory = await mkdtemp(join(tmpdir(), 'sextant-client-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const target = byTls ? await putTlsBefore(t, suite.target, directory) : suite.target
  const env = environment({ ...suite, target }, directory)
  const attempt = (args: readonly string[], stdin?: Uint8Array) =>
    run(program, args, { env, cwd: directory, ...(stdin && { stdin }) })
  return {
    ...suite,
    directory,
    attempt,
    async makeFile(path, size) {
      const file = join(directory, path)
      await writeFile(file, bytes(size, path))
      return file
    },
    async succeed(t, args, stdin) {
      const ran = await attempt(args, stdin)
      if (ran.code !== 0)
        t.fail(`exit ${ran.code}: ${args.join(' ')}`, {
          stderr: ran.stderr,
          stdout: ran.stdout.toString().slice(-2000),
        })
      return ran
    },
  }
}

export async function hashOf(file: string): Promise<string> {
  return sha256(await readFile(file))
}

/** Every file below a directory with its hash, by path. */
export async function hashTree(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[relative(directory, file)] = await hashOf(file)
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}
