import type { Call } from './operation.ts'
import type { Ask } from './owner.ts'
import type { Answer } from './said.ts'

/** A store with a fault, made of one without: what the model has to find. */
export const twins: Readonly<Record<string, (ask: Ask) => Ask>> = {
  'ignores If-None-Match in writes': withCall(isWrite, (call) => withoutHeader(call, 'if-none-match')),
  'ignores If-Match in writes': withCall(isWrite, (call) => withoutHeader(call, 'if-match')),
  'ignores If-Match in deletes': withCall(isDelete, (call) => withoutHeader(call, 'if-match')),
  'ignores conditions on the source of a copy': withCall(isWrite, (call) =>
    ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'].reduce(
      (left, name) => withoutHeader(left, `x-amz-copy-source-${name}`),
      call,
    ),
  ),
  'says 200 where 304 is due': withCall(isRead, (call) => withoutHeader(call, 'if-none-match')),
  'takes wrong checksums for right': (ask) => async (bucket, call) => {
    const answer = await ask(bucket, withoutHeader(call, 'x-amz-checksum-crc32'))
    const sum = call.headers?.['x-amz-checksum-crc32']
    return answer.status === 200 && sum
      ? { ...answer, headers: { ...answer.headers, 'x-amz-checksum-crc32': sum } }
      : answer
  },
  'does not delete the version that it says it did': (ask) => async (bucket, call) => {
    const id = call.method === 'DELETE' && call.query?.tagging === undefined ? call.query?.versionId : undefined
    return id === undefined ? await ask(bucket, call) : answerOf(call, 204, { 'x-amz-version-id': id })
  },
  'deletes what is current, whatever version is named': withCall(isDelete, (call) => withoutQuery(call, 'versionId')),
  'reads what is current, whatever version is named': withCall(isRead, (call) => withoutQuery(call, 'versionId')),
  'copies what is current, whatever version is named': withCall(isWrite, (call) =>
    withHeader(call, 'x-amz-copy-source', (source) => source?.replace(/\?.*/, '')),
  ),
  'lists one key too few': withBody('list-type', (xml) =>
    xml.replace(/<Contents>(?!.*<Contents>).*?<\/Contents>/s, ''),
  ),
  'lists versions the oldest first': withBody('versions', (xml) => {
    const block = '<(?:Version|DeleteMarker)>(?:(?!</Key>).)*<Key>([^<]*)</Key>[^]*?</(?:Version|DeleteMarker)>'
    return xml.replace(new RegExp(`(${block})(${block.replace('([^<]*)', '\\2')})`), '$3$1')
  }),
  'calls every version the latest': withBody('versions', (xml) => xml.replaceAll('<IsLatest>false', '<IsLatest>true')),
  'forgets uploads in listings': withBody('uploads', (xml) => xml.replace(/<Upload>.*?<\/Upload>/s, '')),
  'answers from a cache that nobody tells': (ask) => {
    const kept = new Map<string, Answer>()
    return async (bucket, call) => {
      if (call.method !== 'GET' || call.key === undefined) return await ask(bucket, call)
      const asked = JSON.stringify(call)
      const answer = kept.get(asked) ?? (await ask(bucket, call))
      kept.set(asked, answer)
      return answer
    }
  },
  'answers a range one byte too long': withCall(isRead, (call) =>
    withHeader(call, 'range', (range) => range?.replace(/-(\d)$/, (_, last: string) => `-${Number(last) + 1}`)),
  ),
  'forgets metadata in copies': withCall(isCopy, (call) =>
    withHeader(call, 'x-amz-metadata-directive', () => 'REPLACE'),
  ),
  'forgets tags in copies': withCall(isCopy, (call) => withHeader(call, 'x-amz-tagging-directive', () => 'REPLACE')),
  'puts parts in order, however they are named': withParts((parts) => parts.sort()),
  'completes without the last part': withParts((parts) => (parts.length > 1 ? parts.slice(0, -1) : parts)),
  'does not abort what it says it did': (ask) => async (bucket, call) =>
    call.method === 'DELETE' && call.query?.uploadId !== undefined ? answerOf(call, 204, {}) : await ask(bucket, call),
  'does not suspend versioning': (ask) => async (bucket, call) =>
    String(call.body).includes('>Suspended<') ? answerOf(call, 200, {}) : await ask(bucket, call),
}

function isRead({ method, key, query }: Call): boolean {
  return (method === 'GET' || method === 'HEAD') && key !== undefined && query?.uploadId === undefined
}

function isWrite({ method, key }: Call): boolean {
  return (method === 'PUT' || method === 'POST') && key !== undefined
}

function isDelete({ method, key, query }: Call): boolean {
  return method === 'DELETE' && key !== undefined && query?.uploadId === undefined
}

function isCopy({ headers, query }: Call): boolean {
  return headers?.['x-amz-copy-source'] !== undefined && query?.uploadId === undefined
}

function withCall(isMeant: (call: Call) => boolean, change: (call: Call) => Call): (ask: Ask) => Ask {
  return (ask) => (bucket, call) => ask(bucket, isMeant(call) ? change(call) : call)
}

/** Of the answers to listings that have this in their query. */
function withBody(listing: string, change: (xml: string) => string): (ask: Ask) => Ask {
  return (ask) => async (bucket, call) => {
    const answer = await ask(bucket, call)
    if (call.method !== 'GET' || call.query?.[listing] === undefined) return answer
    return { ...answer, body: Buffer.from(change(answer.body.toString())) }
  }
}

/** What a CompleteMultipartUpload lists. */
function withParts(change: (parts: string[]) => string[]): (ask: Ask) => Ask {
  return withCall(
    ({ method, query }) => method === 'POST' && query?.uploadId !== undefined,
    (call) => {
      const parts = String(call.body).match(/<Part>.*?<\/Part>/g) ?? []
      return { ...call, body: `<CompleteMultipartUpload>${change(parts).join('')}</CompleteMultipartUpload>` }
    },
  )
}

function withHeader(call: Call, name: string, change: (value: string | undefined) => string | undefined): Call {
  return { ...call, headers: { ...call.headers, [name]: change(call.headers?.[name]) } }
}

function withoutHeader(call: Call, name: string): Call {
  return withHeader(call, name, () => undefined)
}

function withoutQuery(call: Call, name: string): Call {
  return { ...call, query: { ...call.query, [name]: undefined } }
}

function answerOf({ method }: Call, status: number, headers: Record<string, string>): Answer {
  return { method, status, headers, body: Buffer.alloc(0) }
}
