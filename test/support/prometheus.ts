import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../conformance/support/free-ports.ts'
import { until } from './up.ts'

export interface Prometheus extends AsyncDisposable {
  /** The samples that a query answers now; rejects when it is not understood. */
  query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>
  /** Rules that could not be evaluated, by name. */
  failedRules(): Promise<string[]>
}

/** A real Prometheus that scrapes one target every second, by the rules of a file. */
export async function startPrometheus(target: string, rulesFile: string): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-prometheus-'))
  const port = await freePort()
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rulesFile],
    scrape_configs: [{ job_name: 'sextant-gateway', static_configs: [{ targets: [target] }] }],
  }
  const file = join(directory, 'prometheus.yml')
  await writeFile(file, JSON.stringify(config)) // JSON is YAML
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  const child = spawn('prometheus', [...args, '--log.level=error'], { stdio: 'ignore' })
  const ended = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  const ask = async (path: string) => {
    const answer = (await (await fetch(`${url}${path}`)).json()) as { status: string; data: never; error?: string }
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`)
    return answer.data
  }
  await until(60_000, async () => {
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    return { done: isReady, value: isReady }
  })
  return {
    async query(expr) {
      const { result } = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as { result: never[] }
      return result
    },
    async failedRules() {
      const { groups } = (await ask('/api/v1/rules')) as { groups: { rules: { name: string; health: string }[] }[] }
      return groups.flatMap(({ rules }) => rules.filter(({ health }) => health === 'err').map(({ name }) => name))
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}
