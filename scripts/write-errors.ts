import type { FaultCode } from '../src/base/faults.ts'
import { type ErrorRow, errorTable } from '../src/s3api/errors.ts'
import { advice } from './errors/advice.ts'
import { keepDocument } from './keep-document.ts'
import { table } from './markdown-table.ts'

/** Writes docs/errors.md from the table of errors, and scripts/errors/advice.ts. */
const codes = (Object.keys(errorTable) as FaultCode[]).sort((a, b) => (s3Code(a) < s3Code(b) ? -1 : 1))
keepDocument(
  'errors.md',
  `# Errors

What the store answers when it refuses a request, by S3's codes. The body is S3's \`<Error>\` with Code, Message and, where they help,
what the request said; \`x-amz-request-id\` is in the log and the audit log, too. 503 and 500 are worth another try, which SDKs make by
themselves; SlowDown and ServiceUnavailable say in Retry-After when. Anything else stays as it is until the request changes.

This page is made of \`src/s3api/errors.ts\` by \`npm run docs\`.

${table(['code', 'status', 'when', 'what to do'], codes.map(rowFor))}
`,
  'src/s3api/errors.ts',
)

function rowFor(fault: FaultCode): string[] {
  const { when, help } = advice[fault]
  return [`\`${s3Code(fault)}\``, statusOf(fault), when, help]
}

function s3Code(fault: FaultCode): string {
  return rowOf(fault).code ?? fault
}

/** AuthorizationQueryParametersError has two. */
function statusOf(fault: FaultCode): string {
  const { status } = rowOf(fault)
  if (typeof status === 'number') return String(status)
  return [...new Set([status({} as never), status({ isForbidden: true } as never)])].join(', ')
}

function rowOf(fault: FaultCode): ErrorRow<FaultCode> {
  return errorTable[fault] as ErrorRow<FaultCode>
}
