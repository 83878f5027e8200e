/** A line of Prometheus' text. */
export interface Sample {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g
const ESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

/** What a page of /metrics says; what it does not understand it leaves out. */
export function readSamples(page: string): Sample[] {
  return page.split('\n').flatMap((line) => {
    const [, name, coded = '', value] = LINE.exec(line) ?? []
    if (name === undefined) return []
    const labels = Array.from(coded.matchAll(LABEL), ([, label, text]) => [label!, unescaped(text!)])
    return [
      { name, labels: Object.fromEntries(labels), value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) },
    ]
  })
}

function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\./g, (pair) => ESCAPED[pair] ?? pair) : text
}
