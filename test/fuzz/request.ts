/** A request as it goes out. All text is Latin-1: one character a byte, so that any bytes can be said. */
export interface HttpRequest {
  method: string
  /** Path and query, coded. */
  target: string
  version: string
  headers: Header[]
  body: Buffer
}

export type Header = readonly [name: string, value: string]

export function bytesOf({ method, target, version, headers, body }: HttpRequest): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.concat([Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'latin1'), body])
}

/** The text's UTF-8 bytes, a character each. */
export function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** Every byte but `A-Za-z0-9-._~` percent-coded, in a path `/` kept: as SigV4 signs. Takes Latin-1. */
export function percentCoded(text: string, keep = ''): string {
  return text.replaceAll(/[^A-Za-z0-9\-._~]/g, (char) =>
    keep.includes(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** In its place where it stands already: what is set to what it was is unchanged. */
export function withHeader(request: HttpRequest, name: string, value: string): HttpRequest {
  const at = request.headers.findIndex(([each]) => each.toLowerCase() === name.toLowerCase())
  const place = at < 0 ? request.headers.length : at
  return { ...request, headers: request.headers.toSpliced(place, 1, [name, value]) }
}

export function headerOf({ headers }: HttpRequest, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1]
}
