import { StoreFault } from '../../base/faults.ts'

/** What comes next in a document. Names stand without their prefix; each `open` has its `close`, also in `<a/>`. */
export type Token =
  | { readonly kind: 'open'; readonly name: string }
  | { readonly kind: 'close' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'end' }

/** Deeper than any S3 document. */
const DEPTH_MAX = 16
/** A namespace or two, and what SDKs put there. */
const ATTRIBUTES_MAX = 16

/**
 * Reads the XML of requests, once and from left to right, in time that grows with its length alone and memory that does
 * not: the parsers there are take seconds and hundreds of MiB for 2 MiB of empty elements or attributes, while all other
 * requests wait. No DOCTYPE, and with it no entities but XML's own five: S3 has no use for them.
 * https://www.w3.org/TR/xml/. Faults: MalformedXML.
 */
export class XmlScanner {
  readonly #source: string
  readonly #elementsMax: number
  #at = 0
  /** Names of the open elements, prefixes and all. */
  readonly #open: string[] = []
  #elements = 0
  /** The last tag closed what it opened. */
  #isEmpty = false

  constructor(source: string, elementsMax: number) {
    this.#source = source
    this.#elementsMax = elementsMax
  }

  next(): Token {
    if (this.#isEmpty) {
      this.#isEmpty = false
      this.#open.pop()
      return CLOSE
    }
    for (;;) {
      const token = this.#take()
      if (token) return token
    }
  }

  /** undefined: what was there says nothing. */
  #take(): Token | undefined {
    const source = this.#source
    const start = this.#at
    const mark = source.indexOf('<', start)
    if (mark !== start) return this.#takeText(mark < 0 ? source.length : mark)
    switch (source[start + 1]) {
      case '/':
        return this.#takeClose()
      case '?':
        this.#pass('<?', '?>')
        return undefined
      case '!':
        return this.#takeMarked()
      default:
        return this.#takeOpen()
    }
  }

  #takeText(end: number): Token | undefined {
    const raw = this.#source.slice(this.#at, end)
    this.#at = end
    if (this.#open.length > 0 && raw !== '') return { kind: 'text', text: decodeEntities(normalised(raw)) }
    if (raw.trim() !== '') throw malformed('text outside of the root element')
    if (end < this.#source.length) return undefined
    if (this.#open.length > 0) throw malformed('it ends before its root element')
    return END
  }

  #takeClose(): Token {
    const [, name] = this.#match(CLOSE_TAG)
    if (this.#open.pop() !== name) throw malformed('a tag closes what was not opened')
    return CLOSE
  }

  #takeOpen(): Token {
    const [, name = '', local = name, end = this.#passAttributes()] = this.#match(OPEN_TAG)
    this.#isEmpty = end === '/'
    if (++this.#elements > this.#elementsMax) throw malformed('too many elements')
    if (this.#open.push(name) > DEPTH_MAX) throw malformed('too deep')
    return { kind: 'open', name: local }
  }

  /** Up to the end of the tag; returns its slash, where it has one. */
  #passAttributes(): string {
    let attributes = 0
    for (ATTRIBUTE.lastIndex = this.#at; ATTRIBUTE.test(this.#source); attributes++) {
      if (attributes === ATTRIBUTES_MAX) throw malformed('too many attributes')
      this.#at = ATTRIBUTE.lastIndex
    }
    return this.#match(TAG_END)[1]!
  }

  /** A comment or CDATA. */
  #takeMarked(): Token | undefined {
    if (this.#source.startsWith('<!--', this.#at)) {
      this.#pass('<!--', '-->')
      return undefined
    }
    if (!this.#source.startsWith('<![CDATA[', this.#at)) throw malformed('a DOCTYPE is not allowed')
    if (this.#open.length === 0) throw malformed('text outside of the root element')
    return { kind: 'text', text: normalised(this.#pass('<![CDATA[', ']]>')) }
  }

  /** What stands between the two. */
  #pass(start: string, end: string): string {
    const from = this.#at + start.length
    const to = this.#source.indexOf(end, from)
    if (to < 0) throw malformed(`no ${end} for a ${start}`)
    this.#at = to + end.length
    return this.#source.slice(from, to)
  }

  /** The pattern has to match here. */
  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)
    if (found === null) throw malformed('not well-formed')
    this.#at = pattern.lastIndex
    return found
  }
}

const CLOSE: Token = { kind: 'close' }
const END: Token = { kind: 'end' }

/** Sticky: each is tried where the scanner stands, and nowhere else. */
const NAME = String.raw`[A-Za-z_\u0080-\uffff][\w.\-\u0080-\uffff]*`
/** With its end, where there are no attributes: hardly any tag has some. */
const OPEN_TAG = new RegExp(`<((?:${NAME}:)?(${NAME}))(?:(/?)>)?`, 'y')
const CLOSE_TAG = new RegExp(String.raw`</((?:${NAME}:)?${NAME})\s*>`, 'y')
const ATTRIBUTE = new RegExp(String.raw`\s+(?:${NAME}:)?${NAME}\s*=\s*(?:"[^"<]*"|'[^'<]*')`, 'y')
const TAG_END = /\s*(\/?)>/y

/** Line ends are one character: XML 1.0, section 2.11. */
function normalised(raw: string): string {
  return raw.includes('\r') ? raw.replaceAll(/\r\n?/g, '\n') : raw
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Longer than `&#1114111;` is none. */
const REFERENCE_CHARS_MAX = 10

/** One by one: String.replace would find all of them before it looked at the first. */
function decodeEntities(raw: string): string {
  let decoded = ''
  let from = 0
  for (let at = raw.indexOf('&'); at >= 0; at = raw.indexOf('&', from)) {
    const end = raw.indexOf(';', at)
    if (end < 0 || end - at > REFERENCE_CHARS_MAX) throw malformed('a bare & is not allowed')
    const entity = raw.slice(at + 1, end)
    decoded += raw.slice(from, at) + (Object.hasOwn(NAMED, entity) ? NAMED[entity] : characterOf(entity))
    from = end + 1
  }
  return from === 0 ? raw : decoded + raw.slice(from)
}

function characterOf(entity: string): string {
  const digits = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(entity)
  const code = digits ? Number.parseInt(digits[1] ?? digits[2]!, digits[1] === undefined ? 10 : 16) : Number.NaN
  const isCharacter = code <= 0x10_ffff && !(code >= 0xd800 && code <= 0xdfff)
  if (!isCharacter) throw malformed('an unknown entity')
  return String.fromCodePoint(code)
}

export function malformed(reason: string): StoreFault<'MalformedXML'> {
  return new StoreFault('MalformedXML', { reason })
}
