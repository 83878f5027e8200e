import { StoreFault } from '../base/faults.ts'
import { startDigests } from '../engine/digests.ts'
import type { BodyClaims } from '../engine/engine.ts'
import type { Identity } from './auth/authenticate.ts'
import { type OpenedBody, openBody } from './body/open-body.ts'
import { readClaims } from './checksums/claims.ts'
import type { RequestSource } from './http/request-source.ts'
import type { Payload, UploadBody, XmlPayload } from './operation.ts'
import type { RequestHead } from './request-head.ts'
import type { S3Settings } from './settings.ts'
import { readXml } from './xml/read-xml.ts'

/** What a body for an operation without one may hold: it is read only so that its proof can be checked. */
const DROPPED_BYTES_MAX = 1024 * 1024
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What an operation takes of the body: claims and a stream, an XML document, or nothing. */
export async function readPayload(
  payload: Payload<unknown>,
  {
    identity,
    head,
    source,
    settings,
  }: { identity: Identity; head: RequestHead; source: RequestSource; settings: S3Settings },
): Promise<{ body?: UploadBody; document?: unknown }> {
  if (payload.kind === 'none') {
    await dropBody(identity, head, source)
    return {}
  }
  const opened = openBody(source, { headers: head.headers }, identity.payload)
  const claims = readClaims(head, opened)
  if (payload.kind === 'xml') return { document: await readDocument(payload, opened, claims) }
  const sizeBytesMax = payload.sizeBytesMax(settings)
  const sizeBytes = announcedSize(opened)
  if (sizeBytes > sizeBytesMax) throw new StoreFault('EntityTooLarge', { sizeBytes, sizeBytesMax })
  return { body: { claims: { ...claims, sizeBytes }, stream: opened.stream } }
}

function announcedSize({ sizeBytes }: OpenedBody): number {
  if (sizeBytes === undefined) throw new StoreFault('MissingContentLength', {})
  return sizeBytes
}

/** Whoever signed a hash of a body must have sent that body, also where it says nothing. */
async function dropBody(identity: Identity, head: RequestHead, source: RequestSource): Promise<void> {
  const { payload } = identity
  const isEmpty =
    !source.hasBody && (payload.kind === 'unsigned' || (payload.kind === 'signed' && payload.sha256 === EMPTY_SHA256))
  if (isEmpty) return
  await collect(openBody(source, { headers: head.headers }, payload), DROPPED_BYTES_MAX)
}

/** Faults: MalformedXML, MissingRequestBodyError, MaxMessageLengthExceeded, InvalidRequest (no proof), BadDigest. */
async function readDocument(
  payload: XmlPayload<unknown>,
  opened: OpenedBody,
  claims: Omit<BodyClaims, 'sizeBytes'>,
): Promise<unknown> {
  if (payload.needsProof && claims.md5 === undefined && claims.checksum === undefined) {
    throw new StoreFault('InvalidRequest', { reason: 'Missing required header for this request: Content-MD5' })
  }
  const bytes = await collect(opened, payload.sizeBytesMax)
  const checksum = payload.isChecksumElsewhere ? undefined : claims.checksum
  const digests = startDigests({ ...claims, checksum, sizeBytes: bytes.length })
  digests.update(bytes)
  await digests.finish()
  if (bytes.length > 0) return readXml(payload.root, payload.shape, bytes)
  if (payload.isOptional) return undefined
  throw new StoreFault('MissingRequestBodyError', {})
}

async function collect({ stream, sizeBytes }: OpenedBody, sizeBytesMax: number): Promise<Buffer> {
  if ((sizeBytes ?? 0) > sizeBytesMax) throw new StoreFault('MaxMessageLengthExceeded', { sizeBytesMax })
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of stream) {
    length += piece.length
    if (length > sizeBytesMax) throw new StoreFault('MaxMessageLengthExceeded', { sizeBytesMax })
    pieces.push(piece)
  }
  return Buffer.concat(pieces, length)
}
