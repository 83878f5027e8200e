import { spawnSync } from 'node:child_process'

/** One line of Prometheus' text. */
export interface Scraped {
  name: string
  labels: Record<string, string>
  value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/gy

/** Reads Prometheus' text strictly: whatever is no comment must be a sample. */
export function parseMetrics(text: string): Scraped[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = LINE.exec(line) ?? []
      if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`)
      return { name, labels: parseLabels(labels), value: Number(value.replace('Inf', 'Infinity')) }
    })
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let at = 0
  LABEL.lastIndex = 0
  for (let match = LABEL.exec(text); match; match = LABEL.exec(text)) {
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
    at = LABEL.lastIndex
    if (at === text.length) break
  }
  if (at !== text.length) throw new Error(`no labels: ${text}`)
  return labels
}

/** Of all samples that have these labels, the sum; undefined: there is none. */
export function sumOf(
  samples: readonly Scraped[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}

/** What Prometheus' own parser and linter say against it: nothing, that is. */
export function promtoolOnMetrics(text: string): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return { status, said: stdout + stderr }
}
