import { readdir, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Settings } from '../../base/config.ts'
import { CommandFailure } from '../failure.ts'
import { exists, writePrivately } from '../files.ts'
import { makeDirectory, readCertificate, writePair } from './host-directory.ts'
import { type CaOfCluster, type IssueDeps, issue, makeCa, openCa, type Usage } from './issue.ts'

/** The CA of a cluster in a directory: `ca.crt`, `ca.key`, and for each host a directory to be brought there. */

export type CertificateSettings = Pick<Settings, 'certificateDays' | 'caDays'>

export interface CaDeps extends IssueDeps {
  settings: CertificateSettings
}

/** A host's names and addresses; the first is what its directory is called. */
export type HostNames = readonly [string, ...string[]]

export interface MadeCertificate {
  host: string
  /** Of which process. */
  holder: string
  names: readonly string[]
  cert: string
  key: string
  expires: string
}

export interface CertificateReport {
  ca: { cert: string; expires: string }
  made: MadeCertificate[]
  /** Certificates that last for long enough yet. */
  kept: number
}

/**
 * A gateway calls nodes, and may show its certificate to S3 clients too. A node is called: with what is stolen from it
 * nobody can call another.
 */
const HOLDERS: Readonly<Record<string, readonly Usage[]>> = {
  gateway: ['client', 'server'],
  'storage-node': ['server'],
}
/** Those of this host, which every host calls itself. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1']
const NAME = /^(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/
/** Of a certificate's life, the share at whose end it is renewed. */
const RENEWED_SHARE = 1 / 3

/** A new CA, and certificates for these hosts. CommandFailure: there is one already. */
export async function initCa(directory: string, hosts: readonly HostNames[], deps: CaDeps): Promise<CertificateReport> {
  if (await exists(join(directory, 'ca.key')))
    throw new CommandFailure(`There is a CA in ${directory} already: \`sextant cert renew\` makes certificates of it.`)
  const made = await makeCa(deps.settings.caDays, deps)
  await makeDirectory(directory)
  await writePair(directory, 'ca', made)
  const ca = await openCa(made)
  const certificates = await issueAll(ca, { directory, hosts }, deps)
  return reportOf(directory, ca, certificates, 0)
}

/** New certificates for hosts that have none, and for what is in the last third of its life; or for all. */
export async function renewCertificates(
  directory: string,
  { hosts, all }: { hosts: readonly HostNames[]; all: boolean },
  deps: CaDeps,
): Promise<CertificateReport> {
  const ca = await openKeptCa(directory)
  if (ca.certificate.notAfter.getTime() <= deps.clock.nowMs())
    throw new CommandFailure(`The CA in ${directory} has expired: make another one, in another directory.`)
  const made: MadeCertificate[] = []
  let kept = 0
  const given = new Set(hosts.map(([name]) => name))
  const known = (await knownHosts(directory)).filter(([name]) => !given.has(name))
  for (const host of known) {
    const due = await dueHolders(join(directory, host[0]), all, deps)
    kept += Object.keys(HOLDERS).length - due.length
    made.push(...(await issueFor(ca, { directory, host, holders: due }, deps)))
  }
  // Named: made anew, maybe with other names.
  made.push(...(await issueAll(ca, { directory, hosts }, deps)))
  return reportOf(directory, ca, made, kept)
}

/** `name`, or `name+other-name+10.0.0.1`. */
export function parseHost(text: string): HostNames {
  const names = text.split('+').map((name) => name.trim())
  const wrong = names.find((name) => isIP(name) === 0 && !NAME.test(name))
  if (wrong !== undefined)
    throw new CommandFailure(`${JSON.stringify(wrong)} is neither a host name nor an address.`, { exitCode: 2 })
  return names as unknown as HostNames
}

async function issueAll(
  ca: CaOfCluster,
  { directory, hosts }: { directory: string; hosts: readonly HostNames[] },
  deps: CaDeps,
): Promise<MadeCertificate[]> {
  const made: MadeCertificate[] = []
  for (const host of hosts) {
    made.push(...(await issueFor(ca, { directory, host, holders: Object.keys(HOLDERS) }, deps)))
  }
  return made
}

async function issueFor(
  ca: CaOfCluster,
  { directory, host, holders }: { directory: string; host: HostNames; holders: readonly string[] },
  deps: CaDeps,
): Promise<MadeCertificate[]> {
  if (holders.length === 0) return []
  const own = join(directory, host[0])
  const names = [...new Set([...host, ...LOOPBACK])]
  await makeDirectory(own)
  await writePrivately(join(own, 'ca.crt'), await readFile(join(directory, 'ca.crt'), 'utf8'))
  const made: MadeCertificate[] = []
  for (const holder of holders) {
    const order = { name: `${holder} ${host[0]}`, hosts: names, usages: HOLDERS[holder]! }
    const issued = await issue(ca, { ...order, days: deps.settings.certificateDays }, deps)
    await writePair(own, holder, issued)
    const [cert, key] = ['crt', 'key'].map((ending) => join(own, `${holder}.${ending}`)) as [string, string]
    made.push({ host: host[0], holder, names, cert, key, expires: issued.notAfter.toISOString() })
  }
  return made
}

async function openKeptCa(directory: string): Promise<CaOfCluster> {
  try {
    const read = (name: string) => readFile(join(directory, name), 'utf8')
    return await openCa({ cert: await read('ca.crt'), key: await read('ca.key') })
  } catch (error) {
    const reason = (error as Error).message
    throw new CommandFailure(`The CA in ${directory} cannot be used: ${reason}`, { cause: error })
  }
}

/** Whose directories there are, with the names in their certificates. */
async function knownHosts(directory: string): Promise<HostNames[]> {
  const found: HostNames[] = []
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    for (const holder of Object.keys(HOLDERS)) {
      const certificate = await readCertificate(join(directory, entry.name, `${holder}.crt`))
      if (!certificate) continue
      found.push([entry.name, ...namesOf(certificate.subjectAltName ?? '')])
      break
    }
  }
  return found
}

/** Of `DNS:a, IP Address:0:0:0:0:0:0:0:1`, as Node writes it. */
function namesOf(alternatives: string): string[] {
  const names = alternatives.split(', ').map((each) => each.replace(/^(DNS|IP Address):/, ''))
  return names.map((name) => (isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name))
}

async function dueHolders(own: string, all: boolean, { clock }: CaDeps): Promise<string[]> {
  const due: string[] = []
  for (const holder of Object.keys(HOLDERS)) {
    const found = await readCertificate(join(own, `${holder}.crt`))
    if (all || !found || isDue(found.validFromDate.getTime(), found.validToDate.getTime(), clock.nowMs()))
      due.push(holder)
  }
  return due
}

function isDue(fromMs: number, toMs: number, nowMs: number): boolean {
  return toMs - nowMs < (toMs - fromMs) * RENEWED_SHARE
}

function reportOf(directory: string, ca: CaOfCluster, made: MadeCertificate[], kept: number): CertificateReport {
  return { ca: { cert: join(directory, 'ca.crt'), expires: ca.certificate.notAfter.toISOString() }, made, kept }
}
