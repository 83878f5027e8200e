/** A finished request, as a trace tells of it: without secrets, for it is the audit log's. */
export interface TracedRequest {
  time: string
  requestId: string
  remote: string | undefined
  operation: string | undefined
  bucket: string | undefined
  key: string | undefined
  status: number
  code: string | undefined
  bytesIn: number
  bytesOut: number
  durationMs: number
}

export type RequestFilter = (request: TracedRequest) => boolean

const TESTS: Readonly<Record<string, (value: string) => RequestFilter | undefined>> = {
  bucket: (value) => (request) => request.bucket === value,
  'key-prefix': (value) => (request) => request.key?.startsWith(value) ?? false,
  operation: (value) => (request) => request.operation?.toLowerCase() === value.toLowerCase(),
  status: (value) => {
    const [, digits] = /^([1-5]\d\d|[1-5](?=xx$))(?:xx)?$/.exec(value) ?? []
    return digits === undefined ? undefined : (request) => String(request.status).startsWith(digits)
  },
  errors: () => (request) => request.status >= 400,
  'slower-than': (value) => {
    const ms = Number(value)
    return /^\d+(\.\d+)?$/.test(value) ? (request) => request.durationMs > ms : undefined
  },
}

/** `bucket`, `key-prefix`, `operation`, `status` (404 or 4xx), `errors`, `slower-than` (ms): all that are given must hold. A string: what is wrong. */
export function parseFilter(query: URLSearchParams): RequestFilter | string {
  const tests: RequestFilter[] = []
  for (const [name, value] of query) {
    const test = Object.hasOwn(TESTS, name) ? TESTS[name]!(value) : undefined
    if (!test) return `${name}=${value} is no filter of requests`
    tests.push(test)
  }
  return (request) => tests.every((test) => test(request))
}
