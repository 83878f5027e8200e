import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { PemError, readCredentials } from '../../../base/tls/pem-files.ts'
import { systemCode } from '../../failure.ts'
import { type Check, type Finding, failure, orOk, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

/** As running processes tell of it: two weeks to find somebody who renews it. */
const EXPIRES_SOON_MS = 14 * 86_400_000
/** RFC 5280, 4.2.1.12. */
const USAGES = { called: '1.3.6.1.5.5.7.3.1', calling: '1.3.6.1.5.5.7.3.2' }

interface CertificateSet {
  cert: string
  key: string
  ca: string | undefined
  usages: readonly (keyof typeof USAGES)[]
  /** What it must name, and what happens else. */
  names: readonly string[]
}

export const certificates: Check = {
  name: 'certificates',
  async run(context) {
    const sets = certificateSets(context)
    if (sets.length === 0) return skipped('no certificates are set')
    return (await Promise.all(sets.map((set) => judge(set, context.clock.nowMs())))).flat()
  },
}

function certificateSets({ role, settings }: DoctorContext): CertificateSet[] {
  const { clusterTlsCa: ca, clusterTlsCert, clusterTlsKey, s3TlsCert, s3TlsKey, adminTlsCert, adminTlsKey } = settings
  const isNode = role === 'storage-node'
  const usages = isNode ? (['called'] as const) : (['calling'] as const)
  const domains = settings.domain?.split(',').flatMap((domain) => [domain, `any-bucket.${domain}`]) ?? []
  const called = (cert?: string, key?: string, names: string[] = []) =>
    cert !== undefined && key !== undefined ? [{ cert, key, ca: undefined, usages: ['called'] as const, names }] : []
  // `sextant up` passes none on to its processes but those of its ports.
  const inCluster = role !== 'up' && clusterTlsCert !== undefined && clusterTlsKey !== undefined
  return [
    ...(inCluster
      ? [{ cert: clusterTlsCert, key: clusterTlsKey, ca, usages, names: isNode ? nodeNames(settings) : [] }]
      : []),
    ...(isNode ? [] : called(s3TlsCert, s3TlsKey, domains)),
    ...called(adminTlsCert, adminTlsKey),
  ]
}

/** As gateways call it; a wildcard is nothing to call. */
function nodeNames({ nodeAddress, nodeHost }: DoctorContext['settings']): string[] {
  const host = (nodeAddress ?? nodeHost).replace(/:\d{1,5}$/, (port) => (nodeAddress === undefined ? port : ''))
  const bare = host.replace(/^\[|\]$/g, '')
  return ['0.0.0.0', '::'].includes(bare) ? [] : [bare]
}

async function judge(set: CertificateSet, nowMs: number): Promise<Finding[]> {
  try {
    const texts = { cert: await read(set.cert), key: await read(set.key), ca: set.ca && (await read(set.ca)) }
    const { certificate } = readCredentials(texts, 'TLSv1.2')
    const wrong = [
      ...judgeTime(set.cert, certificate, nowMs),
      ...judgeUse(set, certificate),
      ...(set.ca !== undefined ? judgeCa(set, certificate, texts.ca!, nowMs) : []),
    ]
    return orOk(wrong, `${set.cert} is good until ${certificate.validToDate.toISOString()}`)
  } catch (error) {
    if (!(error instanceof PemError)) throw error
    return [failure(`${set.cert}, ${set.key}: ${error.message}; make them anew by \`sextant cert renew\`.`)]
  }
}

async function read(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((error) => {
    throw new PemError(`${path} cannot be read (${systemCode(error)})`, { cause: error })
  })
}

function judgeTime(path: string, { validFromDate, validToDate }: X509Certificate, nowMs: number): Finding[] {
  const until = validToDate.toISOString()
  if (validToDate.getTime() <= nowMs)
    return [failure(`${path} has expired, at ${until}: renew it (\`sextant cert renew\`).`)]
  if (validFromDate.getTime() > nowMs)
    return [failure(`${path} is not valid before ${validFromDate.toISOString()}: is this host's clock right?`)]
  if (validToDate.getTime() - nowMs < EXPIRES_SOON_MS)
    return [warning(`${path} expires soon, at ${until}: renew it (\`sextant cert renew\`).`)]
  return []
}

function judgeUse({ cert, names, usages }: CertificateSet, certificate: X509Certificate): Finding[] {
  const given = certificate.keyUsage as readonly string[] | undefined // extended: as Node has it
  const missing = given ? usages.filter((usage) => !given.includes(USAGES[usage])) : []
  const unnamed = names.filter((name) => !(isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)))
  return [
    ...missing.map((usage) =>
      failure(
        `${cert} is not for ${usage === 'calling' ? 'calling others' : 'being called'}: use the other one of its host.`,
      ),
    ),
    ...unnamed.map((name) =>
      failure(
        `${cert} does not name ${name}, which it is called by: make one that does (\`sextant cert renew --hosts\`).`,
      ),
    ),
  ]
}

function judgeCa({ cert, ca }: CertificateSet, certificate: X509Certificate, text: string, nowMs: number): Finding[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const signers = blocks.map((block) => new X509Certificate(block)).filter((one) => certificate.verify(one.publicKey))
  if (signers.length === 0) return [failure(`${cert} is of another CA than those in ${ca}: bring both of one cluster.`)]
  return judgeTime(ca!, signers[0]!, nowMs)
}
