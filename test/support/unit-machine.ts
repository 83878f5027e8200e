import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const UNITS = join(ROOT, 'deploy/systemd')

/** The machine as a unit sees it, under one directory, and what of it is started as systemd would. */
export class UnitMachine implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'sextant-units-'))
  readonly #running: ChildProcess[] = []

  write(path: string, content: string): void {
    const file = join(this.directory, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, content, { mode: 0o600 })
  }

  /** Its own command, with nothing but its own environment and credentials, and what a test needs to be otherwise. */
  start(unit: string, instance = '', more: Record<string, string> = {}): ChildProcess {
    const { env, command } = this.read(unit, instance)
    const child = spawn(process.execPath, command, {
      env: { PATH: process.env.PATH, ...env, ...more },
      stdio: 'inherit',
    })
    this.#running.push(child)
    return child
  }

  /** What systemd would start, with which environment. */
  read(unit: string, instance = ''): { env: Record<string, string>; command: string[] } {
    const text = this.#asHere(readFileSync(join(UNITS, unit), 'utf8'), instance)
    const all = (name: string) => [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1]!)
    for (const credential of all('LoadCredential')) {
      const [name, file] = credential.split(':')
      this.write(`credentials/${name}`, readFileSync(file!, 'utf8'))
    }
    const files = all('EnvironmentFile').map((file) => readFileSync(file, 'utf8'))
    const settings = [...files, ...all('Environment')].join('\n').matchAll(/^(\w+)=(.*)$/gm)
    const env = Object.fromEntries(Array.from(settings, ([, name, value]) => [name!, value!]))
    return { env, command: all('ExecStart')[0]!.split(' ') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running.reverse()) {
      if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
    }
    rmSync(this.directory, { recursive: true, force: true })
  }

  #asHere(text: string, instance: string): string {
    return text
      .replaceAll('%i', instance)
      .replaceAll('%d', join(this.directory, 'credentials'))
      .replaceAll('/opt/sextant/', ROOT)
      .replaceAll('/etc/sextant/', `${this.directory}/etc/`)
      .replaceAll('/var/lib/sextant', `${this.directory}/data`)
  }
}
