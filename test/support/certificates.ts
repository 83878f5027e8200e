import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/base/clock.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { systemRandom as random, systemClock } from '../../src/base/system.ts'
import { openIdentity, type TlsIdentity } from '../../src/base/tls/identity.ts'
import { type CaOfCluster, issue, makeCa, openCa, type Usage } from '../../src/cli/certificates/issue.ts'

/** A certificate in files of its own. */
export interface HeldCertificate {
  files: { cert: string; key: string; ca: string }
  texts: { cert: string; key: string; ca: string }
}

export interface Order {
  name?: string
  hosts?: readonly string[]
  usages?: readonly Usage[]
  /** When it is made, and how long it lasts from then (1 if absent). */
  madeAtMs?: number
  days?: number
}

/** A CA for a test, and what it signs. */
export class TestCa implements AsyncDisposable {
  readonly directory: string
  readonly cert: string
  readonly #ca: CaOfCluster
  readonly #identities: TlsIdentity[] = []
  #count = 0

  private constructor(directory: string, cert: string, ca: CaOfCluster) {
    this.directory = directory
    this.cert = cert
    this.#ca = ca
  }

  static async make(): Promise<TestCa> {
    const made = await makeCa(30, { clock: systemClock, random })
    const directory = await mkdtemp(join(tmpdir(), 'sextant-ca-'))
    return new TestCa(directory, made.cert, await openCa(made))
  }

  /** For `client` and `server` on this host, unless the order says otherwise. */
  async certificate({ name = 'test', hosts, usages, madeAtMs, days = 1 }: Order = {}): Promise<HeldCertificate> {
    const clock = { ...systemClock, nowMs: () => madeAtMs ?? systemClock.nowMs() }
    const order = {
      name,
      hosts: hosts ?? ['localhost', '127.0.0.1'],
      usages: usages ?? (['client', 'server'] as const),
      days,
    }
    const { cert, key } = await issue(this.#ca, order, { clock, random })
    const path = join(this.directory, `${++this.#count}`)
    const texts = { cert, key, ca: this.cert }
    const files = { cert: `${path}.crt`, key: `${path}.key`, ca: `${path}-ca.crt` }
    for (const each of ['cert', 'key', 'ca'] as const) await writeFile(files[each], texts[each])
    return { files, texts }
  }

  /** Of a certificate that is made for it; it goes with this. */
  async identity(order: Order = {}): Promise<TlsIdentity> {
    return this.hold(await this.certificate(order))
  }

  hold(
    { files }: HeldCertificate,
    { clock = systemClock, log = silentLog, lookMs = 60_000 }: { clock?: Clock; log?: Log; lookMs?: number } = {},
  ): TlsIdentity {
    const identity = openIdentity({ files, minVersion: 'TLSv1.3', lookMs, clock, log })
    this.#identities.push(identity)
    return identity
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const identity of this.#identities) identity[Symbol.dispose]()
    await rm(this.directory, { recursive: true, force: true })
  }
}
