import { saysAcl } from '../access/acl/acl-headers.ts'
import type { S3Action } from '../actions.ts'
import { headerOf, type RequestHead } from '../request-head.ts'

/** What else whoever writes an object needs leave for, by the headers that say more of it. */
export function needsAlongWrite(head: RequestHead): readonly S3Action[] {
  const needs = HEADERS.flatMap(([name, action]) => (headerOf(head, name) ? [action] : []))
  return saysAcl(head) ? ['s3:PutObjectAcl', ...needs] : needs
}

const HEADERS: readonly (readonly [header: string, action: S3Action])[] = [
  ['x-amz-tagging', 's3:PutObjectTagging'],
  ['x-amz-object-lock-mode', 's3:PutObjectRetention'],
  ['x-amz-object-lock-legal-hold', 's3:PutObjectLegalHold'],
]
