import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'

/** Paths of PEM files: who a process is, and whose word it takes for who others are. */
export interface PemFiles {
  /** The certificate, followed by those between it and its root. */
  cert: string
  key: string
  /** Absent where callers show no certificate. */
  ca?: string | undefined
}

/** What stands in such files. */
export type PemTexts = { [K in keyof PemFiles]: PemFiles[K] }

/** Checked, and ready for use. */
export interface Credentials {
  options: SecureContextOptions
  context: SecureContext
  certificate: X509Certificate
}

/** What is wrong with them, in a sentence for whoever made the files. */
export class PemError extends Error {}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Throws a PemError unless all is whole and goes together: OpenSSL takes half of a pair, and fails when somebody connects. */
export function readCredentials(texts: PemTexts, minVersion: SecureVersion): Credentials {
  const [certificate] = certificatesOf(texts.cert, 'the certificate')
  if (texts.ca !== undefined) certificatesOf(texts.ca, 'the CA')
  const key = attempt('the private key cannot be read', () => createPrivateKey(texts.key))
  if (!certificate!.checkPrivateKey(key)) throw new PemError('the private key is not that of the certificate')
  const options: SecureContextOptions = { cert: texts.cert, key: texts.key, ca: texts.ca, minVersion }
  const context = attempt('OpenSSL does not take them', () => createSecureContext(options))
  return { options, context, certificate: certificate! }
}

/** Of the file's blocks the first is the one that the file is about. */
function certificatesOf(pem: string, what: string): X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? []
  if (blocks.length === 0 || blocks.length !== pem.split('-----BEGIN CERTIFICATE').length - 1)
    throw new PemError(`${what} is no whole PEM file`)
  return blocks.map((block) => attempt(`${what} cannot be read`, () => new X509Certificate(block)))
}

function attempt<T>(what: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new PemError(`${what} (${(error as Error).message})`, { cause: error })
  }
}
