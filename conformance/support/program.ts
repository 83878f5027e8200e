import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Target } from './target.ts'

/** Running the real clients. A program that is missing is an error, not a reason to skip. */
export interface Ran {
  code: number | null
  stdout: Buffer
  stderr: string
}

const RUN_MS_MAX = 120_000

/** `name` from a virtual environment that clients/install.sh made (in CONFORMANCE_ENVIRONMENTS), else from PATH. */
export function findProgram(name: string, environment: 'programs' | 'data' = 'programs'): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const environments = process.env.CONFORMANCE_ENVIRONMENTS ?? join(cache, 'sextant-conformance')
  const directories = [join(environments, environment, 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  const found = directories.map((directory) => join(directory, name)).find((path) => existsSync(path))
  if (!found) throw new Error(`${name} is not installed: run conformance/clients/install.sh`)
  return found
}

/** Runs to the end. A non-zero exit is the caller's to judge. */
export async function run(
  program: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; stdin?: Uint8Array; cwd?: string },
): Promise<Ran> {
  const signal = AbortSignal.timeout(RUN_MS_MAX)
  const child = spawn(program, args, { env: options.env, cwd: options.cwd, signal, killSignal: 'SIGKILL' })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => stdout.push(data))
  child.stderr.on('data', (data: Buffer) => {
    stderr += data
  })
  // A program may end before it has read its input.
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? Buffer.alloc(0))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(stdout), stderr }
}

/** What AWS programs need and nothing else of this machine's settings: the rest is their default. */
export function awsEnvironment(target: Target, home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    LANG: 'C.UTF-8',
    AWS_ENDPOINT_URL: target.endpoint.href.replace(/\/$/, ''),
    AWS_DEFAULT_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.owner.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.owner.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_PROXY: '*',
    ...(target.kmsKey && { CONFORMANCE_KMS_KEY: target.kmsKey }),
    // Each for those that do not know the other.
    ...(target.certificate && { AWS_CA_BUNDLE: target.certificate, SSL_CERT_FILE: target.certificate }),
  }
}
