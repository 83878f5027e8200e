import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import type { Target } from './target.ts'

const run = promisify(execFile)
const HOST = '127.0.0.1'

/** The target by https, for as long as the test: a proxy ends TLS and passes the bytes on. Its certificate lies in `directory`. */
export async function putTlsBefore(t: Test, target: Target, directory: string): Promise<Target> {
  const { protocol, hostname, port } = target.endpoint
  if (protocol === 'https:') return target
  const { certificate, key, cert } = await makeCertificate(directory)
  const open = new Set<Socket>()
  const pass = (from: Socket, to: Socket) => {
    open.add(from)
    from.pipe(to)
    // Whoever is cut off may be so in the middle of a write.
    from.on('error', () => {})
    from.on('close', () => {
      open.delete(from)
      to.end()
    })
  }
  const server = createServer({ key, cert }, (client) => {
    const store = connect(Number(port), hostname)
    pass(client, store)
    pass(store, client)
  }).listen(0, HOST)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const endpoint = new URL(`https://${HOST}:${(server.address() as AddressInfo).port}`)
  return { ...target, endpoint, certificate }
}

/** For this host, in two files in `directory`; `certificate` is the path of the one to trust. */
export async function makeCertificate(
  directory: string,
): Promise<{ certificate: string; keyFile: string; key: Buffer; cert: Buffer }> {
  const [keyFile, certificate] = [join(directory, 'tls.key'), join(directory, 'tls.crt')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=IP:${HOST}`]
  await run('openssl', ['req', ...kind, ...name, '-keyout', keyFile, '-out', certificate])
  return { certificate, keyFile, key: await readFile(keyFile), cert: await readFile(certificate) }
}
