/** What the tests of documents read in Markdown: only what is written in this repository. */
export interface CodeBlock {
  /** What stands behind the fence: `sh`, `ts`, … */
  language: string
  text: string
  /** Of its first line within the document, from 1. */
  line: number
}

export interface Link {
  target: string
  line: number
}

const FENCE = /^ *```(\S*)/

export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { language: string; lines: string[]; line: number } | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = FENCE.exec(line)
    if (!fence) open?.lines.push(line)
    else if (open) {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line })
      open = undefined
    } else open = { language: fence[1]!, lines: [], line: index + 2 }
  }
  if (open) throw new Error(`The code block at line ${open.line} has no end.`)
  return blocks
}

/** The first code block in `language` below the heading of that text. */
export function blockBelow(markdown: string, heading: string, language = 'sh'): CodeBlock {
  const lines = markdown.split('\n')
  const at = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (at === -1) throw new Error(`There is no heading "${heading}".`)
  const found = codeBlocks(markdown).find((block) => block.line > at && block.language === language)
  if (!found) throw new Error(`Below "${heading}" there is no block of ${language}.`)
  return found
}

/** Links and pictures, `[text](target)` and `[name]: target`; not those within code. */
export function linksOf(markdown: string): Link[] {
  return proseLines(markdown).flatMap(({ text, line }) => {
    const prose = text.replace(/`[^`]*`/g, '')
    const inline = [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)]
    const named = [...prose.matchAll(/^\[[^\]]+\]: (\S+)/g)]
    return [...inline, ...named].map((match) => ({ target: match[1]!, line }))
  })
}

/** What `#…` may name: the headings as GitHub writes them, and anchors set by hand. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const { text } of proseLines(markdown)) {
    for (const [, id] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id!)
    const heading = /^#{1,6} +(.*?)(?: +#+)?$/.exec(text)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    let unique = slug
    for (let count = 1; anchors.has(unique); count += 1) unique = `${slug}-${count}`
    anchors.add(unique)
  }
  return anchors
}

/** As GitHub makes an anchor of a heading. */
export function slugOf(heading: string): string {
  const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '')
  return plain
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

function proseLines(markdown: string): { text: string; line: number }[] {
  let isCode = false
  return markdown.split('\n').flatMap((text, index) => {
    const isFence = FENCE.test(text)
    if (isFence) isCode = !isCode
    return isCode || isFence ? [] : [{ text, line: index + 1 }]
  })
}
