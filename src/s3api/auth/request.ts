/** What a signature may cover of a request, as it came: nothing decoded, nothing joined. */
export interface SignedRequest {
  method: string
  /** As on the request line, undecoded: path and query. Bytes above 0x7f as Latin-1 characters, as Node gives them. */
  target: string
  /** name, value, name, value… as they came (Node's rawHeaders). */
  rawHeaders: readonly string[]
  isTls: boolean
}
