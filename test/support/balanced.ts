import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../conformance/support/free-ports.ts'
import { Front } from './front.ts'

const CONFIG = fileURLToPath(new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url))

/** A real haproxy by deploy/haproxy, over two gateways. */
export class Balanced extends Front {
  readonly endpoint: string
  readonly #metrics: string

  /** Resolves when both are in. Gateways are `host:port`. */
  static async start(gateways: readonly [string, string]): Promise<Balanced> {
    const [port, metricsPort] = await freePorts(2)
    const balanced = new Balanced({ port: port!, metricsPort: metricsPort! })
    // Certificate and key in one file, as haproxy has them.
    const pem = join(balanced.directory, 'both.pem')
    writeFileSync(pem, readFileSync(balanced.certificateFile, 'utf8') + readFileSync(balanced.keyFile, 'utf8'))
    balanced.run('haproxy', ['-db', '-f', CONFIG], {
      S3_BIND: `127.0.0.1:${port}`,
      S3_CERTIFICATE: pem,
      GATEWAY1: gateways[0],
      GATEWAY2: gateways[1],
      METRICS_BIND: `127.0.0.1:${metricsPort}`,
    })
    await balanced.uses(['gateway1', 'gateway2'])
    return balanced
  }

  private constructor({ port, metricsPort }: { port: number; metricsPort: number }) {
    super()
    this.endpoint = `https://127.0.0.1:${port}`
    this.#metrics = `http://127.0.0.1:${metricsPort}/metrics`
  }

  /** Waits until these gateways are in, and no other. */
  async uses(wanted: readonly string[]): Promise<void> {
    await this.until(`in are ${wanted}`, async () => {
      const page = await (await fetch(this.#metrics)).text()
      const up = page.matchAll(/^haproxy_server_status\{proxy="gateways",server="(\w+)",state="UP"\} 1$/gm)
      return `${Array.from(up, ([, name]) => name)}` === `${wanted}`
    })
  }
}
