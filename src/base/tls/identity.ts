import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { type Credentials, PemError, type PemFiles, type PemTexts, readCredentials } from './pem-files.ts'

/** What a process shows in its handshakes: of its files as they were when they were last whole. */
export interface TlsIdentity extends Disposable {
  readonly context: SecureContext
  readonly options: SecureContextOptions
  /** Called with every new one, until it is disposed: a server keeps a copy. */
  onChange(listener: (options: SecureContextOptions) => void): Disposable
  /** Reads the files now. Never rejects: what is not whole is told in the log, and changes nothing. */
  look(): Promise<void>
}

export interface IdentityOptions {
  files: PemFiles
  minVersion: SecureVersion
  /** How often the files are looked at. */
  lookMs: number
  clock: Clock
  log: Log
}

const DAY_MS = 86_400_000
/** From then on it is told once a day that the certificate is about to expire: two weeks to find somebody who renews it. */
const EXPIRES_SOON_MS = 14 * DAY_MS

/** Reads the files, and goes on looking at them. Throws a PemError where they cannot be used. */
export function openIdentity({ files, minVersion, lookMs, clock, log }: IdentityOptions): TlsIdentity {
  const listeners = new Set<(options: SecureContextOptions) => void>()
  let texts = readNow(files)
  let current = named(files, () => readCredentials(texts, minVersion))
  let refused: string | undefined
  let tellExpiryAtMs = 0
  let isDisposed = false
  let timer: Disposable | undefined

  function tellExpiry({ certificate: { validToDate } }: Credentials): void {
    const leftMs = validToDate.getTime() - clock.nowMs()
    if (leftMs > EXPIRES_SOON_MS || clock.nowMs() < tellExpiryAtMs) return
    tellExpiryAtMs = clock.nowMs() + DAY_MS
    const fields = { cert: files.cert, expires: validToDate.toISOString() }
    if (leftMs > 0) log.warn(fields, 'a certificate expires soon: renew it')
    else log.error(fields, 'a certificate has expired: nobody takes it any more')
  }
  function take(found: PemTexts): void {
    if (isSame(found, texts)) return
    current = readCredentials(found, minVersion)
    texts = found
    refused = undefined
    tellExpiryAtMs = 0
    for (const listener of listeners) listener(current.options)
    const expires = current.certificate.validToDate.toISOString()
    log.info({ cert: files.cert, expires }, 'a certificate was changed: new connections have it')
  }
  async function look(): Promise<void> {
    try {
      take(await readSoon(files))
    } catch (error) {
      // Told once for each way in which they are not whole: a file that is half written is whole at the next look.
      const reason = (error as Error).message
      if (reason !== refused) log.warn({ ...files, reason }, 'changed certificates cannot be used: the old ones go on')
      refused = reason
    }
    tellExpiry(current)
  }
  function lookLater(): void {
    timer = clock.after(lookMs, () => void look().finally(() => isDisposed || lookLater()))
  }
  tellExpiry(current)
  lookLater()
  return {
    get context() {
      return current.context
    },
    get options() {
      return current.options
    },
    onChange(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    look,
    [Symbol.dispose]() {
      isDisposed = true
      timer?.[Symbol.dispose]()
    },
  }
}

function readNow(files: PemFiles): PemTexts {
  const read = (path: string) => named(files, () => readFileSync(path, 'utf8'))
  return { cert: read(files.cert), key: read(files.key), ca: files.ca === undefined ? undefined : read(files.ca) }
}

async function readSoon(files: PemFiles): Promise<PemTexts> {
  const { cert, key, ca } = files
  const read = (path: string) => readFile(path, 'utf8')
  const [certText, keyText, caText] = await Promise.all([read(cert), read(key), ca === undefined ? ca : read(ca)])
  return { cert: certText, key: keyText, ca: caText }
}

function isSame(a: PemTexts, b: PemTexts): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca
}

/** Whatever is wrong names the files: there may be several such sets. */
function named<T>({ cert, key, ca }: PemFiles, make: () => T): T {
  try {
    return make()
  } catch (error) {
    const files = [cert, key, ca].filter((path) => path !== undefined).join(', ')
    throw new PemError(`${files}: ${(error as Error).message}`, { cause: error })
  }
}
