import { StoreFault } from '../../base/faults.ts'
import { readXmlTree, textOf } from './xml-tree.ts'

/** What an S3 endpoint refused, or why no answer of it came. */
export class S3Failure extends Error {
  /** S3's error code; of what never became an answer `NoAnswer`. */
  readonly code: string
  /** 0: there was no answer. */
  readonly status: number
  constructor(message: string, { code, status, cause }: { code: string; status: number; cause?: unknown }) {
    super(message, { cause })
    this.name = 'S3Failure'
    this.code = code
    this.status = status
  }

  /** Whether asking once more may help. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500 || PASSING.has(this.status) || PASSING_CODES.has(this.code)
  }
}

/** Time-outs, conflicts, conditions that another writer has made untrue, too many requests. */
const PASSING = new Set([408, 409, 412, 429])
/** Bytes that came wrongly may come rightly. */
const PASSING_CODES = new Set(['BadDigest', 'IncompleteBody', 'RequestTimeout', 'WrongBytes'])

export function noAnswer(endpoint: string, error: unknown): S3Failure {
  const reason = error instanceof Error ? error.message : String(error)
  return new S3Failure(`${endpoint} gave no answer: ${reason}`, { code: 'NoAnswer', status: 0, cause: error })
}

/** Bytes are not those that the source has promised. */
export function wrongBytes(reason: string): S3Failure {
  return new S3Failure(reason, { code: 'WrongBytes', status: 0 })
}

/** From an answer that is none of 2xx; HEAD has no body that says more. */
export function refusal(status: number, body: string, headers: NodeJS.Dict<string | string[]>): S3Failure {
  const { code, message } = readError(body)
  const region = headers['x-amz-bucket-region']
  const elsewhere = status === 301 && typeof region === 'string' ? ` The bucket is in ${region}: set AWS_REGION.` : ''
  const named = code ?? CODES[status] ?? `HTTP ${status}`
  return new S3Failure(`${named}${message ? `: ${message}` : ` (${status})`}${elsewhere}`, { code: named, status })
}

const CODES: Readonly<Record<number, string>> = { 403: 'AccessDenied', 404: 'NotFound', 412: 'PreconditionFailed' }

/** Of `<Error>`; nothing if it is none. */
export function readError(body: string): { code?: string | undefined; message?: string | undefined } {
  if (!body.includes('<Error')) return {}
  try {
    const error = readXmlTree(body)
    return error.name === 'Error' ? { code: textOf(error, 'Code'), message: textOf(error, 'Message') } : {}
  } catch (cause) {
    if (cause instanceof StoreFault) return {}
    throw cause
  }
}
