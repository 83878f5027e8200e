import 'reflect-metadata' // which @peculiar/x509 is made with, and does not bring
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import type { Clock, Random } from '../../base/clock.ts'

/** A certificate and its private key, as PEM. */
export interface Issued {
  cert: string
  key: string
  notAfter: Date
}

export interface CaOfCluster {
  certificate: x509.X509Certificate
  key: webcrypto.CryptoKey
}

export interface IssueDeps {
  clock: Clock
  random: Random
}

/** Of a certificate: `client` calls others, `server` is called. */
export type Usage = 'client' | 'server'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
/** Clocks of other hosts may be behind. */
const BACKDATED_MS = 60 * 60_000
/** RFC 5280, 4.1.2.2: positive, at most 20 bytes. */
const SERIAL_BYTES = 16

x509.cryptoProvider.set(webcrypto)

/** A CA that signs certificates of its own cluster, and no CA below it. */
export async function makeCa(days: number, { clock, random }: IssueDeps): Promise<Issued> {
  const keys = await makeKeys()
  const notAfter = new Date(clock.nowMs() + days * DAY_MS)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: [{ CN: [`Sextant cluster ${random.bytes(4).toString('hex')}`] }],
    notBefore: new Date(clock.nowMs() - BACKDATED_MS),
    notAfter,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pemOf(certificate), key: await keyPem(keys.privateKey), notAfter }
}

/** Of PEM texts. */
export async function openCa({ cert, key }: { cert: string; key: string }): Promise<CaOfCluster> {
  const certificate = new x509.X509Certificate(cert)
  const der = x509.PemConverter.decodeFirst(key)
  return { certificate, key: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']) }
}

export interface CertificateOrder {
  /** Who holds it, for people. */
  name: string
  /** Host names and addresses under which it is reached. */
  hosts: readonly string[]
  usages: readonly Usage[]
  days: number
}

/** Lasts no longer than its CA. */
export async function issue(
  ca: CaOfCluster,
  { name, hosts, usages, days }: CertificateOrder,
  { clock, random }: IssueDeps,
): Promise<Issued> {
  const keys = await makeKeys()
  const notAfter = new Date(Math.min(clock.nowMs() + days * DAY_MS, ca.certificate.notAfter.getTime()))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: [{ CN: [name] }],
    issuer: ca.certificate.subject,
    notBefore: new Date(clock.nowMs() - BACKDATED_MS),
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages.map((usage) => EXTENDED_USAGES[usage])),
      new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
    ],
  })
  return { cert: pemOf(certificate), key: await keyPem(keys.privateKey), notAfter }
}

const EXTENDED_USAGES = { client: x509.ExtendedKeyUsage.clientAuth, server: x509.ExtendedKeyUsage.serverAuth }

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function serialNumber(random: Random): string {
  const bytes = random.bytes(SERIAL_BYTES)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40 // positive, and no leading zeros
  return bytes.toString('hex')
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}
