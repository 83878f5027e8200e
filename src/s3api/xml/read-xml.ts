import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { StoreFault } from '../../base/faults.ts'
import type { Member, Shape } from './shape.ts'

/** Deeper than any S3 document; the parser refuses what goes beyond. */
const DEPTH_MAX = 16
const TEXT = '#text'
const CDATA = '#cdata'

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  removeNSPrefix: true,
  // Entities are decoded below: S3's documents need the five of XML and character references, and no others.
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  textNodeName: TEXT,
  cdataPropName: CDATA,
  maxNestedTags: DEPTH_MAX,
})

type Node = string | { readonly [name: string]: Node | readonly Node[] }

/**
 * The value of a document's root element. With or without declaration and namespace; members that the shape does not
 * name are passed over, as S3 does. Faults: MalformedXML (not well-formed, DOCTYPE, foreign entities, a member missing).
 */
export function readXml<T>(root: string, shape: Shape<T>, document: Uint8Array): T {
  const source = decodeUtf8(document)
  // An internal subset could define entities; S3 has no use for a DOCTYPE, so none is let in.
  if (source.includes('<!DOCTYPE') || source.includes('<!ENTITY')) throw malformed('a DOCTYPE is not allowed')
  const tree = parse(source)
  const element = Object.hasOwn(tree, root) ? tree[root] : undefined
  if (element === undefined || Array.isArray(element)) throw malformed(`the root element should be ${root}`)
  return readNode(shape as Shape<unknown>, element as Node, root) as T
}

function parse(source: string): Readonly<Record<string, Node | readonly Node[]>> {
  const validity = XMLValidator.validate(source)
  if (validity !== true) throw malformed(validity.err.msg)
  try {
    return parser.parse(source)
  } catch (cause) {
    throw new StoreFault('MalformedXML', { reason: 'not readable' }, { cause })
  }
}

function readNode(shape: Shape<unknown>, node: Node, name: string): unknown {
  switch (shape.kind) {
    case 'text':
      return shape.read(textOf(node, name), name)
    case 'structure':
      return readMembers(shape.members, node, name)
    case 'list': {
      if (typeof node === 'string') return []
      return nodesOf(node, shape.itemName ?? '').map((item) => readNode(shape.item, item, shape.itemName ?? name))
    }
  }
}

function readMembers(members: Readonly<Record<string, Member>>, node: Node, parent: string): Record<string, unknown> {
  // An element without children arrives as its text, which can only be white space.
  const children = typeof node === 'string' ? {} : node
  if (typeof node === 'string' && node.trim() !== '') throw malformed(`${parent} should hold elements`)
  const value: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(members)) {
    const found = nodesOf(children, name)
    if (member.shape.kind === 'list' && member.shape.itemName === undefined) {
      const { item } = member.shape
      value[name] = found.map((each) => readNode(item, each, name))
    } else if (found.length > 1) {
      throw malformed(`${name} stands more than once in ${parent}`)
    } else if (found.length === 1) {
      value[name] = readNode(member.shape, found[0]!, name)
    } else if (!member.isOptional) {
      throw malformed(`${name} is missing in ${parent}`)
    }
  }
  return value
}

/** The children of a name: a list of one arrives as the one. */
function nodesOf(node: Exclude<Node, string>, name: string): readonly Node[] {
  if (!Object.hasOwn(node, name)) return []
  const found = node[name]!
  return Array.isArray(found) ? found : [found as Node]
}

function textOf(node: Node, name: string): string {
  if (typeof node === 'string') return decodeEntities(node)
  const names = Object.keys(node)
  if (names.some((key) => key !== TEXT && key !== CDATA)) throw malformed(`${name} should hold text`)
  const plain = nodesOf(node, TEXT).map((part) => decodeEntities(part as string))
  return [...plain, ...nodesOf(node, CDATA)].join('')
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decodeEntities(raw: string): string {
  if (!raw.includes('&')) return raw
  return raw.replace(/&([^;&]{0,10});?/g, (whole, entity: string) => {
    if (!whole.endsWith(';')) throw malformed('a bare & is not allowed')
    const named = Object.hasOwn(NAMED, entity) ? NAMED[entity] : undefined
    return named ?? characterOf(entity)
  })
}

function characterOf(entity: string): string {
  const digits = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(entity)
  const code = digits ? Number.parseInt(digits[1] ?? digits[2]!, digits[1] === undefined ? 10 : 16) : Number.NaN
  const isCharacter = code <= 0x10_ffff && !(code >= 0xd800 && code <= 0xdfff)
  if (!isCharacter) throw malformed('an unknown entity')
  return String.fromCodePoint(code)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new StoreFault('MalformedXML', { reason: 'not UTF-8' }, { cause })
  }
}

function malformed(reason: string): StoreFault {
  return new StoreFault('MalformedXML', { reason })
}
