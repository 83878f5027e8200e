import type { Clock } from '../base/clock.ts'
import { assert } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { Bucket } from '../base/model.ts'
import type { BodyClaims, ByteStream, Engine, FoundObject } from '../engine/engine.ts'
import type { Access } from './access/access.ts'
import type { S3Action } from './actions.ts'
import type { Identity } from './auth/authenticate.ts'
import { type Fields, headersOf, type Inputs, readFields } from './fields.ts'
import type { Exchange } from './http/exchange.ts'
import type { RequestHead } from './request-head.ts'
import type { S3Settings } from './settings.ts'
import type { Shape } from './xml/shape.ts'

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
export type ResourceKind = 'service' | 'bucket' | 'object'

export interface Route {
  readonly method: Method
  readonly on: ResourceKind
  /** Query parameters that select this operation: `name`, or `name=value`. */
  readonly query?: readonly string[]
  /** A header that selects it. */
  readonly header?: string
}

/** What is looked up, and judged by `authorise`, before the operation is handled. `content`: an object whose bytes are to be read. */
export type LookUp = 'none' | 'bucket' | 'object' | 'content'

/** What an operation takes as its body. `none`: anything sent is still verified, and dropped. */
export type Payload<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly sizeBytesMax: (settings: S3Settings) => number }
  | TextPayload
  | XmlPayload<T>

/** A document that is no XML, handed over as it is. */
export interface TextPayload {
  readonly kind: 'text'
  readonly sizeBytesMax: number
}

export interface XmlPayload<T> {
  readonly kind: 'xml'
  readonly root: string
  readonly shape: Shape<T>
  readonly sizeBytesMax: number
  /** Where it may have more than usual. */
  readonly elementsMax: number | undefined
  /** Content-MD5 or a checksum has to prove the body. */
  readonly needsProof: boolean
  /** An empty body is taken as `undefined`; else it is MalformedXML. */
  readonly isOptional: boolean
  /** The x-amz-checksum-* header is not the document's, but that of the object that it speaks of. */
  readonly isChecksumElsewhere: boolean
}

/** A value of `undefined` is no header. */
export type ReplyHeaders = Readonly<Record<string, string | number | undefined>>

export interface Reply<O> {
  /** Where it is another than the operation's own. */
  status?: number
  headers?: ReplyHeaders
  /** Written by the operation's `body`. */
  output?: O
  stream?: { sizeBytes: number; bytes: AsyncIterable<Uint8Array> }
  /** A document that is no XML. */
  json?: string
}

/** What every handler gets. */
export interface Call {
  readonly engine: Engine
  readonly settings: S3Settings
  readonly clock: Clock
  readonly log: Log
  readonly identity: Identity
  /** What the caller may do: for what an operation does beyond its own action. */
  readonly access: Access
  readonly head: RequestHead
  /** For whoever is told of what the request did. */
  readonly exchange: Pick<Exchange, 'requestId' | 'req'>
}

/** A body that was announced, and what the client promised about it. */
export interface UploadBody {
  readonly claims: BodyClaims
  readonly stream: ByteStream
}

/** What the pipeline found, and what an operation's `lookUp` and `payload` promise of it. */
export interface Prepared {
  readonly found: FoundObject | undefined
  readonly bucket: Bucket | undefined
  readonly body: UploadBody | undefined
  readonly document: unknown
}

type CallOf<L extends LookUp, P> = Call &
  (L extends 'none' ? unknown : { readonly bucket: Bucket }) &
  (L extends 'object' | 'content' ? { readonly found: FoundObject } : unknown) &
  (P extends { kind: 'bytes' } ? { readonly body: UploadBody } : unknown) &
  (P extends { kind: 'text' } ? { readonly document: string } : unknown) &
  (P extends { kind: 'xml'; shape: Shape<infer T>; isOptional: infer Q }
    ? { readonly document: Q extends true ? T | undefined : T }
    : unknown)

export interface Description<F extends Fields, L extends LookUp, P, O> {
  /** As in S3's API. */
  readonly name: string
  readonly route: Route
  /** What the caller needs leave for. */
  readonly action: S3Action
  /** What else the caller needs leave for, by what it asks. */
  readonly alsoNeeds?: (head: RequestHead) => readonly S3Action[]
  /** `handle` asks for leave, for what that depends on is not in the head: the body says it, or the upload whose it is. */
  readonly judgedBy?: 'body' | 'upload'
  readonly lookUp: L
  readonly request: F
  readonly payload: P
  readonly status: number
  /** Root element and shape of the answer; absent: no XML. */
  readonly body?: XmlBody<O>
  /** It may take minutes: the connection is kept alive by white space, and a 200 may then carry an error. */
  readonly mayTakeLong?: boolean
  /** What of it is done otherwise than in S3, for the table of coverage. */
  readonly note?: string
  handle(call: CallOf<L, P>, input: Inputs<F>, signal: AbortSignal): Promise<Reply<O>>
}

export interface XmlBody<O> {
  readonly root: string
  readonly shape: Shape<O>
}

/** An operation as routing, authorisation, answers, metrics and documents see it. */
export interface Operation {
  readonly name: string
  readonly route: Route
  readonly action: S3Action
  readonly alsoNeeds: ((head: RequestHead) => readonly S3Action[]) | undefined
  readonly judgedBy: 'body' | 'upload' | undefined
  readonly lookUp: LookUp
  readonly request: Fields
  /** The headers that the inputs are read from. */
  readonly headers: ReadonlySet<string>
  readonly payload: Payload<unknown>
  readonly status: number
  readonly body: XmlBody<unknown> | undefined
  readonly mayTakeLong: boolean
  readonly note?: string
  /** Reads the inputs from the head (faults: theirs), before any body is asked for. */
  prepare(head: RequestHead): (call: Call & Prepared, signal: AbortSignal) => Promise<Reply<unknown>>
}

export function operation<F extends Fields, L extends LookUp, const P extends Payload<never> | { kind: string }, O>(
  description: Description<F, L, P, O>,
): Operation {
  const { body, mayTakeLong, alsoNeeds, judgedBy, lookUp, ...rest } = description
  const payload = description.payload as unknown as Payload<unknown>
  return {
    ...rest,
    alsoNeeds,
    judgedBy,
    lookUp,
    headers: headersOf(description.request),
    payload,
    body: body as XmlBody<unknown> | undefined,
    mayTakeLong: mayTakeLong ?? false,
    prepare(head) {
      const input = readFields(description.request, head)
      return (call, signal) => {
        assert(lookUp === 'none' || call.bucket !== undefined, 'the bucket was looked up')
        assert(!isOfObject(lookUp) || call.found !== undefined, 'the object was looked up')
        assert(payload.kind !== 'bytes' || call.body !== undefined, 'the body was opened')
        return description.handle(call as unknown as CallOf<L, P>, input, signal)
      }
    },
  }
}

export function isOfObject(lookUp: LookUp): boolean {
  return lookUp === 'object' || lookUp === 'content'
}

export const noBody = { kind: 'none' } as const

export function bytes(sizeBytesMax: (settings: S3Settings) => number) {
  return { kind: 'bytes', sizeBytesMax } as const
}

export function xmlPayload<
  T,
  const Q extends {
    sizeBytesMax: number
    elementsMax?: number
    needsProof?: boolean
    isOptional?: boolean
    isChecksumElsewhere?: boolean
  },
>(
  root: string,
  shape: Shape<T>,
  options: Q,
): XmlPayload<T> & { isOptional: Q['isOptional'] extends true ? true : false } {
  const { sizeBytesMax, elementsMax } = options
  const { needsProof = false, isOptional = false, isChecksumElsewhere = false } = options
  type IsOptional = Q['isOptional'] extends true ? true : false
  const optional = isOptional as boolean & IsOptional
  return { kind: 'xml', root, shape, sizeBytesMax, elementsMax, needsProof, isOptional: optional, isChecksumElsewhere }
}

export function textPayload(sizeBytesMax: number): TextPayload {
  return { kind: 'text', sizeBytesMax }
}

export function xml<O>(root: string, shape: Shape<O>): XmlBody<O> {
  return { root, shape }
}
