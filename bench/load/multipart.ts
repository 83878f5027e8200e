import { HttpClient } from './http-client.ts'
import { type S3Target, signed } from './s3.ts'

/** A multipart upload under way: what is sent for its parts, and how it is made an object. */
export interface MultipartUpload {
  /** For UploadPart number `n` + 1. */
  pathOf(n: number): string
  complete(): Promise<void>
}

export async function createUpload(s3: S3Target, objectPath: string): Promise<MultipartUpload> {
  const created = await exchange(s3, 'POST', `${objectPath}?uploads`)
  const uploadId = /<UploadId>(.*?)</.exec(created)![1]!
  return {
    pathOf: (n) => `${objectPath}?partNumber=${n + 1}&uploadId=${uploadId}`,
    async complete() {
      const parts = await listParts(s3, `${objectPath}?`, uploadId)
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
      const answer = await exchange(s3, 'POST', `${objectPath}?uploadId=${uploadId}`, body)
      // It may fail after the 200 was sent.
      if (answer.includes('<Error>')) throw new Error(answer)
    },
  }
}

/** All parts that were uploaded, as CompleteMultipartUpload wants them. */
async function listParts(s3: S3Target, base: string, uploadId: string): Promise<string[]> {
  const parts: string[] = []
  for (;;) {
    const page = await exchange(s3, 'GET', `${base}part-number-marker=${parts.length}&uploadId=${uploadId}`)
    for (const [, part] of page.matchAll(/<Part>(.*?)<\/Part>/gs)) {
      const etag = /<ETag>(.*?)<\/ETag>/.exec(part!)![1]
      parts.push(`<Part><PartNumber>${parts.length + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
    }
    if (!page.includes('<IsTruncated>true<')) return parts
  }
}

/** One request that must succeed; answers the body. */
async function exchange(s3: S3Target, method: string, path: string, body?: Buffer): Promise<string> {
  let answer = ''
  const request = () => signed(s3, { method, path, ...(body && { body }) })
  const client = new HttpClient(s3, request, (_, bytes) => {
    answer = bytes.toString()
  })
  await client.call(0)
  client.close()
  return answer
}
