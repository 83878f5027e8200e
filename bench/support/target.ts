import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { drive } from './load.ts'
import { type S3Target, signed } from './s3.ts'

/** The store under load, and the root of its process tree. */
export interface Target extends AsyncDisposable {
  s3: S3Target
  pid: number
}

/** A fresh store of our own on free ports, or the server that the options name. */
export async function openTarget({ endpoint, pid }: { endpoint?: string; pid?: string }): Promise<Target> {
  if (endpoint === undefined) return await startStore()
  const { hostname, port } = new URL(endpoint)
  const accessKeyId = process.env.AWS_ACCESS_KEY_ID ?? ''
  const secretAccessKey = process.env.AWS_SECRET_ACCESS_KEY ?? ''
  const region = process.env.AWS_REGION ?? 'us-east-1'
  const s3 = { host: hostname, port: Number(port), accessKeyId, secretAccessKey, region }
  return { s3, pid: Number(pid ?? process.pid), async [Symbol.asyncDispose]() {} }
}

async function startStore(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'sextant-bench-'))
  const bin = fileURLToPath(new URL('../../bin/sextant.js', import.meta.url))
  const env = { SEXTANT_S3_PORT: '0', SEXTANT_ADMIN_PORT: '0', SEXTANT_LOG_LEVEL: 'warn', ...process.env }
  const child = spawn(process.execPath, [bin, 'up', '--json'], {
    env: { ...env, SEXTANT_DATA_DIR: directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await Promise.race([
    once(createInterface(child.stdout!), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the store did not start'))),
  ])
  const ready = JSON.parse(String(line))
  const { hostname, port } = new URL(ready.endpoint)
  const { region, accessKeyId, secretAccessKey, startMs } = ready
  console.log(`started in ${startMs} ms`)
  return {
    s3: { host: hostname, port: Number(port), region, accessKeyId, secretAccessKey },
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** One request that must succeed, or be refused as told. */
export async function call(s3: S3Target, method: string, path: string, body?: Buffer): Promise<void> {
  const request = signed(s3, { method, path, ...(body && { body }) })
  const result = await drive({ ...s3, clients: 1, operations: 1, request: () => request })
  if (result.failures > 0 && !result.firstFailure.includes('BucketAlready')) throw new Error(result.firstFailure)
}
