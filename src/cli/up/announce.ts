import { printJson } from '../output.ts'
import type { RootCredentials } from './secrets.ts'

export interface Announcement {
  endpoint: string
  adminUrl: string
  region: string
  root: RootCredentials
  dataDirectory: string
  processes: { name: string; pid: number | null }[]
  /** How long the start took. */
  startMs: number
}

/** One line of JSON when the store is ready, for scripts. */
export function announceAsJson({ root, ...rest }: Announcement): void {
  printJson({ ready: true, pid: process.pid, ...rest, ...root })
}

export function announce({ endpoint, adminUrl, region, root, dataDirectory, startMs }: Announcement): void {
  const environment = `AWS_ACCESS_KEY_ID=${root.accessKeyId} AWS_SECRET_ACCESS_KEY=${root.secretAccessKey} AWS_DEFAULT_REGION=${region}`
  process.stdout.write(`
Sextant is ready (${(startMs / 1000).toFixed(1)} s). Ctrl-C stops it.

  S3 endpoint        ${endpoint}
  access key id      ${root.accessKeyId}
  secret access key  ${root.secretAccessKey}
  region             ${region}
  health             ${adminUrl}/health/ready
  data               ${dataDirectory}

A line to paste:

  ${environment} aws --endpoint-url ${endpoint} s3 mb s3://first-bucket

`)
}

/** A URL that reaches a server that listens on `host`; the wildcard addresses are no addresses to call. */
export function urlOf(host: string, port: number, { isSecure }: { isSecure: boolean }): string {
  const called = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `${isSecure ? 'https' : 'http'}://${called.includes(':') ? `[${called}]` : called}:${port}`
}
