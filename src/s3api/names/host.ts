/**
 * The bucket that a Host header names in virtual-host style, or undefined: path style.
 * `domains` without scheme or port; the longest one that fits counts. Host names are compared without regard to case.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
export function bucketOfHost(host: string | undefined, domains: readonly string[]): string | undefined {
  if (host === undefined || domains.length === 0) return undefined
  const name = host.replace(/:\d*$/, '').toLowerCase()
  let bucket: string | undefined
  for (const domain of domains) {
    const suffix = `.${domain.toLowerCase()}`
    if (name === suffix.slice(1)) return undefined
    if (name.length > suffix.length && name.endsWith(suffix)) {
      const rest = name.slice(0, -suffix.length)
      if (bucket === undefined || rest.length < bucket.length) bucket = rest
    }
  }
  return bucket
}
