import type { ByteBudget } from '../base/byte-budget.ts'
import { StoreFault } from '../base/faults.ts'
import { GrowingBuffer } from '../base/growing-buffer.ts'
import { startDigests } from '../engine/digests.ts'
import type { BodyClaims } from '../engine/engine.ts'
import type { Identity } from './auth/authenticate.ts'
import { type OpenedBody, openBody } from './body/open-body.ts'
import { readClaims } from './checksums/claims.ts'
import type { RequestSource } from './http/request-source.ts'
import type { Payload, TextPayload, UploadBody, XmlPayload } from './operation.ts'
import type { RequestHead } from './request-head.ts'
import type { S3Settings } from './settings.ts'
import { readXml } from './xml/read-xml.ts'

/** What a body for an operation without one may hold: it is read only so that its proof can be checked. */
const DROPPED_BYTES_MAX = 1024 * 1024
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What documents may take without asking: thousands may be coming at once. Most are smaller. */
const SMALL_DOCUMENT_BYTES = 4 * 1024

interface PayloadDeps {
  identity: Identity
  head: RequestHead
  source: RequestSource
  settings: S3Settings
  /** For large documents while they come. */
  documents: ByteBudget
}

/** What an operation takes of the body: claims and a stream, an XML document, or nothing. */
export async function readPayload(
  payload: Payload<unknown>,
  { identity, head, source, settings, documents }: PayloadDeps,
): Promise<{ body?: UploadBody; document?: unknown }> {
  if (payload.kind === 'none') {
    await dropBody(identity, head, source)
    return {}
  }
  const opened = openBody(source, { headers: head.headers }, identity.payload)
  const claims = readClaims(head, opened)
  if (payload.kind === 'text') return { document: await readText(payload, opened, claims, documents) }
  if (payload.kind === 'xml') return { document: await readDocument(payload, opened, claims, documents) }
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
  const { stream, sizeBytes = 0 } = openBody(source, { headers: head.headers }, payload)
  checkSize(sizeBytes, DROPPED_BYTES_MAX)
  let length = 0
  for await (const piece of stream) {
    length += piece.length
    checkSize(length, DROPPED_BYTES_MAX)
  }
}

/** Faults: MalformedXML, MissingRequestBodyError, MaxMessageLengthExceeded, InvalidRequest (no proof), BadDigest, SlowDown. */
async function readDocument(
  payload: XmlPayload<unknown>,
  opened: OpenedBody,
  claims: Omit<BodyClaims, 'sizeBytes'>,
  documents: ByteBudget,
): Promise<unknown> {
  if (payload.needsProof && claims.md5 === undefined && claims.checksum === undefined) {
    throw new StoreFault('InvalidRequest', { reason: 'Missing required header for this request: Content-MD5' })
  }
  const checksum = payload.isChecksumElsewhere ? undefined : claims.checksum
  const bytes = await collectProven(payload, opened, { ...claims, checksum }, documents)
  if (bytes.length > 0) return readXml(payload.root, payload.shape, bytes, payload.elementsMax)
  if (payload.isOptional) return undefined
  throw new StoreFault('MissingRequestBodyError', {})
}

/** Faults: MissingRequestBodyError, MaxMessageLengthExceeded, BadDigest, SlowDown. */
async function readText(
  payload: TextPayload,
  opened: OpenedBody,
  claims: Omit<BodyClaims, 'sizeBytes'>,
  documents: ByteBudget,
): Promise<string> {
  const bytes = await collectProven(payload, opened, claims, documents)
  if (bytes.length === 0) throw new StoreFault('MissingRequestBodyError', {})
  return bytes.toString('utf8')
}

async function collectProven(
  { sizeBytesMax }: { sizeBytesMax: number },
  opened: OpenedBody,
  claims: Omit<BodyClaims, 'sizeBytes'>,
  documents: ByteBudget,
): Promise<Buffer> {
  const bytes = await collect(opened, sizeBytesMax, documents)
  const digests = startDigests({ ...claims, sizeBytes: bytes.length })
  digests.update(bytes)
  digests.finish()
  return bytes
}

async function collect(
  { stream, sizeBytes }: OpenedBody,
  sizeBytesMax: number,
  documents: ByteBudget,
): Promise<Buffer> {
  checkSize(sizeBytes ?? 0, sizeBytesMax)
  const collected = new GrowingBuffer(sizeBytes ?? sizeBytesMax)
  let takenBytes = 0
  try {
    for await (const piece of stream) {
      const length = collected.length + piece.length
      checkSize(length, sizeBytesMax)
      const moreBytes = Math.max(0, collected.roomFor(length) - SMALL_DOCUMENT_BYTES) - takenBytes
      documents.take(moreBytes)
      takenBytes += moreBytes
      collected.append(piece)
    }
    return collected.bytes
  } finally {
    documents.give(takenBytes)
  }
}

function checkSize(sizeBytes: number, sizeBytesMax: number): void {
  if (sizeBytes > sizeBytesMax) throw new StoreFault('MaxMessageLengthExceeded', { sizeBytesMax })
}
