export type EncodingType = 'url' | undefined

/**
 * `encoding-type=url`: what XML cannot carry, or a parser would change, travels percent-coded; `/` stays.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html#API_ListObjectsV2_RequestSyntax
 */
export function encoder(type: EncodingType): (text: string) => string {
  return type === 'url' ? urlEncode : (text) => text
}

function urlEncode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
