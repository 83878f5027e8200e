import type { Frame } from './profile-tree.ts'

const WIDTH = 1200
const ROW = 17
const HEAD = 34
/** Narrower frames are left out: nobody could see them. */
const WIDTH_MIN = 0.4
const CHARACTER = 6.4

/**
 * A self-contained SVG: callers below, as wide as their time on the CPU. A browser shows a frame's time when the mouse
 * is on it, and magnifies it on a click (the lowest row shows all again).
 */
export function drawFlameGraph(title: string, root: Frame): string {
  const rows: string[] = []
  const scale = WIDTH / (root.micros || 1)
  const depth = depthOf(root, scale)
  const draw = (frame: Frame, { x, level }: { x: number; level: number }) => {
    const width = frame.micros * scale
    if (width < WIDTH_MIN) return
    rows.push(box({ frame, x, width, y: HEAD + (depth - level) * ROW, share: frame.micros / root.micros }))
    let at = x
    for (const callee of frame.callees.toSorted((a, b) => b.micros - a.micros)) {
      draw(callee, { x: at, level: level + 1 })
      at += callee.micros * scale
    }
  }
  draw(root, { x: 0, level: 0 })
  const height = HEAD + (depth + 1) * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="monospace" font-size="11">
<style>g { cursor: pointer } rect { stroke: #fff; stroke-width: 0.5 } g:hover rect { stroke: #000 }</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="8" y="20" font-size="14" font-family="sans-serif">${escaped(title)}: ${(root.micros / 1e6).toFixed(2)} s on the CPU</text>
${rows.join('\n')}
<script><![CDATA[${MAGNIFY}]]></script>
</svg>
`
}

/** Runs in the browser: stretches the clicked frame to the whole width, and hides what is not above or below it. */
const MAGNIFY = `
const frames = [...document.querySelectorAll('g')].map((g) => ({ g, x: +g.dataset.x, w: +g.dataset.w }))
for (const { g, x, w } of frames) g.addEventListener('click', () => {
  const k = ${WIDTH} / w
  for (const f of frames) {
    const isSeen = f.x + f.w > x + 0.01 && f.x < x + w - 0.01
    f.g.style.display = isSeen ? '' : 'none'
    const left = Math.max(0, (f.x - x) * k), width = Math.min(${WIDTH}, (f.x + f.w - x) * k) - left
    const rect = f.g.querySelector('rect'), label = f.g.querySelector('text')
    rect.setAttribute('x', left)
    rect.setAttribute('width', Math.max(0, width))
    label.setAttribute('x', left + 3)
    label.textContent = f.g.dataset.name.slice(0, Math.max(0, Math.floor(width / ${CHARACTER}) - 1))
  }
})`

interface Box {
  frame: Frame
  x: number
  y: number
  width: number
  share: number
}

function box({ frame: { name, place, micros, selfMicros }, x, y, width, share }: Box): string {
  const label = name.slice(0, Math.max(0, Math.floor(width / CHARACTER) - 1))
  const ms = (of: number) => `${(of / 1000).toFixed(1)} ms`
  const tip = `${name} ${place}\n${ms(micros)} (${(share * 100).toFixed(1)} %), ${ms(selfMicros)} of its own`
  const [left, wide] = [x.toFixed(2), width.toFixed(2)]
  return `<g data-x="${left}" data-w="${wide}" data-name="${escaped(name)}"><title>${escaped(tip)}</title><rect x="${left}" y="${y}" width="${wide}" height="${ROW - 1}" fill="${colourOf(name, place)}"/><text x="${(x + 3).toFixed(2)}" y="${y + 12}">${escaped(label)}</text></g>`
}

/** Ours red, packages yellow, Node green, V8 and the system grey. */
function colourOf(name: string, place: string): string {
  const shade = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 12
  if (place.includes('node_modules/')) return `hsl(48 85% ${62 + shade}%)`
  if (/^(src|dist|bench|bin)\//.test(place)) return `hsl(12 80% ${62 + shade}%)`
  return place.startsWith('node:') ? `hsl(110 40% ${62 + shade}%)` : `hsl(220 8% ${70 + shade}%)`
}

function depthOf(frame: Frame, scale: number): number {
  const seen = frame.callees.filter((callee) => callee.micros * scale >= WIDTH_MIN)
  return seen.length === 0 ? 0 : 1 + Math.max(...seen.map((callee) => depthOf(callee, scale)))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
