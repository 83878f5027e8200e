/** Why a request failed, as far as its client can tell. */
export interface Failure {
  isFailure: true
  /** undefined: no answer came, or only a part of one. */
  status: number | undefined
  code: string
  /** False only when it certainly never left: nobody listened. */
  wasSent: boolean
}

export function failureOf(error: unknown): Failure {
  const { name, code, $metadata, $response } = error as {
    name?: string
    code?: string
    $metadata?: { httpStatusCode?: number }
    $response?: { statusCode?: number }
  }
  return {
    isFailure: true,
    status: $metadata?.httpStatusCode ?? $response?.statusCode,
    code: code ?? name ?? 'unknown',
    wasSent: code !== 'ECONNREFUSED',
  }
}
