import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { eventually } from './store.ts'

/**
 * What stands in front of gateways: a program of Debian's, in a directory of its own, with a certificate for 127.0.0.1, which
 * this process trusts from then on.
 */
export class Front implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'sextant-front-'))
  readonly certificateFile = join(this.directory, 'certificate.pem')
  readonly keyFile = join(this.directory, 'key.pem')
  #child: ChildProcess | undefined
  #said = ''

  constructor() {
    const subject = ['-subj', '/CN=front', '-addext', 'subjectAltName=IP:127.0.0.1']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', this.keyFile]
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...subject, ...key, '-out', this.certificateFile], {
      stdio: 'pipe',
    })
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(this.certificateFile, 'utf8')])
  }

  /** What it has written. */
  get said(): string {
    return this.#said
  }

  run(program: string, args: readonly string[], env: Record<string, string> = {}): void {
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...env } })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (data: Buffer) => {
        this.#said = (this.#said + data.toString()).slice(-20_000)
      })
    }
  }

  /** Asks until the answer is yes; a question that fails is one that it does not listen to yet. */
  async until(what: string, ask: () => Promise<boolean>): Promise<void> {
    await eventually(what, 60_000, async () => {
      if (this.#child!.exitCode !== null) throw new Error(`it has ended: ${this.#said}`)
      return await ask().catch(() => false)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child && child.exitCode === null && child.kill('SIGTERM')) await once(child, 'close')
    rmSync(this.directory, { recursive: true, force: true })
  }
}
