/** A line for each series over one x axis. */
export interface LineChart {
  title: string
  x: Axis
  y: Axis
  series: readonly Series[]
}

export interface Axis {
  label: string
  /** Logarithmic axes show no value below the smallest one; linear ones begin at 0. */
  isLog: boolean
  /** How a value stands beside its tick. */
  format(value: number): string
}

export interface Series {
  name: string
  /** The same number, the same colour. */
  colour: number
  isDashed: boolean
  points: readonly { x: number; y: number }[]
}

const WIDTH = 720
const HEIGHT = 400
const MARGIN = { left: 64, right: 24, top: 44, bottom: 64 }
/** Told apart also by who sees no red or green (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']
/** Between the plot's edge and its first and last value. */
const INSET = 18
const CHARACTER = 6.2

/** A self-contained SVG document. Ticks of the x axis are the series' own values; values of y that are not above 0 are left out on a logarithmic axis. */
export function drawLineChart({ title, x, y, series }: LineChart): string {
  const shown = series.map((one) => ({ ...one, points: one.points.filter((p) => !y.isLog || p.y > 0) }))
  const points = shown.flatMap((one) => one.points)
  const xTicks = [...new Set(points.map((p) => p.x))].sort((a, b) => a - b)
  const yTicks = ticksOf(
    points.map((p) => p.y),
    y.isLog,
  )
  const toX = scale(xTicks, x.isLog, [MARGIN.left + INSET, WIDTH - MARGIN.right - INSET])
  const toY = scale(yTicks, y.isLog, [HEIGHT - MARGIN.bottom, MARGIN.top])
  const grid = [
    ...yTicks.map((tick) => line(MARGIN.left, toY(tick), WIDTH - MARGIN.right, toY(tick))),
    ...yTicks.map((tick) => text(MARGIN.left - 6, toY(tick) + 4, y.format(tick), 'end')),
    ...xTicks.map((tick) => line(toX(tick), MARGIN.top, toX(tick), HEIGHT - MARGIN.bottom)),
    ...xTicks.map((tick) => text(toX(tick), HEIGHT - MARGIN.bottom + 16, x.format(tick), 'middle')),
  ]
  const lines = shown.map(({ points: own, ...style }) => {
    const path = own.map((p) => `${round(toX(p.x))},${round(toY(p.y))}`).join(' ')
    const dots = own.map(
      (p) => `<circle cx="${round(toX(p.x))}" cy="${round(toY(p.y))}" r="3" fill="${colourOf(style)}"/>`,
    )
    return `<polyline points="${path}" fill="none" ${strokeOf(style)}/>${dots.join('')}`
  })
  let left = MARGIN.left
  const legend = shown.map(({ name, ...style }) => {
    const sample = `<path d="M${round(left)} ${HEIGHT - 16} h24" ${strokeOf(style)}/>`
    const label = text(left + 30, HEIGHT - 12, name, 'start')
    left += 30 + name.length * CHARACTER + 20
    return sample + label
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11">
<title>${escaped(title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${MARGIN.left}" y="24" font-size="15">${escaped(title)}</text>
${grid.join('\n')}
${text(MARGIN.left - 6, MARGIN.top - 8, y.label, 'end')}
${text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - MARGIN.bottom + 32, x.label, 'middle')}
${lines.join('\n')}
${legend.join('\n')}
</svg>
`
}

type Style = Pick<Series, 'colour' | 'isDashed'>

function colourOf({ colour }: Style): string {
  return COLOURS[colour % COLOURS.length]!
}

function strokeOf(style: Style): string {
  return `stroke="${colourOf(style)}" stroke-width="2"${style.isDashed ? ' stroke-dasharray="6 4"' : ''}`
}

/** From a value to a coordinate; the first and the last of `values` come to the ends. */
function scale(values: readonly number[], isLog: boolean, [from, to]: readonly [number, number]) {
  const of = (value: number) => (isLog ? Math.log(value) : value)
  const first = of(values[0] ?? 1)
  const span = of(values.at(-1) ?? 1) - first || 1
  return (value: number) => from + ((of(value) - first) / span) * (to - from)
}

/** 1, 2 and 5 times the powers of ten that enclose the values: from 0 on a linear axis. */
function ticksOf(values: readonly number[], isLog: boolean): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (!isLog) {
    const step = roundUp(high / 6)
    return Array.from({ length: Math.ceil(high / step) + 1 }, (_, n) => n * step)
  }
  const steps = high / low > 300 ? [1] : [1, 2, 5]
  const all: number[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    all.push(...steps.map((step) => step * 10 ** power))
  }
  const first = all.findLastIndex((tick) => tick <= low)
  const last = all.findIndex((tick) => tick >= high)
  return all.slice(first, Math.max(last, first + 1) + 1)
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1))
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10)
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#ddd"/>`
}

function text(x: number, y: number, content: string, anchor: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
