import type { Header } from '../fuzz/request.ts'

export const COPY: Header = ['x-amz-copy-source', '/BUCKET/key']
const RENAME: Header = ['x-amz-rename-source', '/key']

/** Rows of authorisation.test.ts: what is made of another object. */
export const copyRows = {
  CopyObject: { method: 'PUT', path: '/BUCKET/copy', headers: [COPY], status: 200 },
  RenameObject: { method: 'PUT', path: '/BUCKET/new?renameObject', headers: [RENAME], status: 200 },
  UploadPartCopy: { method: 'PUT', path: '/BUCKET/upload?partNumber=2&uploadId=UPLOAD', headers: [COPY], status: 200 },
}
