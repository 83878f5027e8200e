import { assert, StoreFault } from '../../base/faults.ts'
import type { Member, Shape } from './shape.ts'
import { malformed, XmlScanner } from './xml-scanner.ts'

/**
 * More elements are MalformedXML, for they keep the process from all else while they are read: 10,000 for 2 ms. DeleteObjects
 * of 1,000 objects, each with all that it may have, takes 7,000.
 */
const ELEMENTS_MAX = 20_000

/**
 * The value of a document's root element. With or without declaration and namespace; members that the shape does not
 * name are passed over, as S3 does. Faults: MalformedXML (not well-formed, DOCTYPE, foreign entities, a member missing).
 */
export function readXml<T>(root: string, shape: Shape<T>, document: Uint8Array, elementsMax = ELEMENTS_MAX): T {
  const scanner = new XmlScanner(decodeUtf8(document), elementsMax)
  const first = scanner.next()
  if (first.kind !== 'open' || first.name !== root) throw malformed(`the root element should be ${root}`)
  const value = readElement(scanner, shape as Shape<unknown>, root)
  if (scanner.next().kind !== 'end') throw malformed('more than one root element')
  return value as T
}

/** From behind the start tag to behind the end tag. */
function readElement(scanner: XmlScanner, shape: Shape<unknown>, name: string): unknown {
  switch (shape.kind) {
    case 'text':
      return shape.read(readText(scanner, name), name)
    case 'structure':
      return readMembers(scanner, shape.members, name)
    case 'list': {
      const items: unknown[] = []
      const itemName = shape.itemName ?? name
      forEachChild(scanner, name, (child) => {
        if (child === itemName) items.push(readElement(scanner, shape.item, itemName))
        else passOver(scanner)
      })
      return items
    }
    case 'choice':
      assert(false, 'a choice is only written')
  }
}

function readText(scanner: XmlScanner, name: string): string {
  let text = ''
  for (let token = scanner.next(); token.kind !== 'close'; token = scanner.next()) {
    if (token.kind !== 'text') throw malformed(`${name} should hold text`)
    text += token.text
  }
  return text
}

function readMembers(
  scanner: XmlScanner,
  members: Readonly<Record<string, Member>>,
  parent: string,
): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const name in members) if (isFlat(members[name]!)) value[name] = []
  forEachChild(scanner, parent, (name) => {
    const member = Object.hasOwn(members, name) ? members[name]! : undefined
    if (!member) passOver(scanner)
    else if (isFlat(member)) (value[name] as unknown[]).push(readElement(scanner, member.shape.item, name))
    else if (Object.hasOwn(value, name)) throw malformed(`${name} stands more than once in ${parent}`)
    else value[name] = readElement(scanner, member.shape, name)
  })
  for (const name in members) {
    if (!(members[name]!.isOptional || Object.hasOwn(value, name))) throw malformed(`${name} is missing in ${parent}`)
  }
  return value
}

/** A list whose items stand directly in their parent. */
function isFlat(member: Member): member is Member & { shape: Extract<Shape<unknown>, { kind: 'list' }> } {
  return member.shape.kind === 'list' && member.shape.itemName === undefined
}

/** Calls back behind each child's start tag; the callback reads to behind its end tag. */
function forEachChild(scanner: XmlScanner, parent: string, read: (name: string) => void): void {
  for (let token = scanner.next(); token.kind !== 'close'; token = scanner.next()) {
    if (token.kind === 'open') read(token.name)
    else if (token.kind === 'text' && token.text.trim() !== '') throw malformed(`${parent} should hold elements`)
  }
}

function passOver(scanner: XmlScanner): void {
  for (let depth = 1; depth > 0; ) {
    const { kind } = scanner.next()
    if (kind === 'open') depth++
    else if (kind === 'close') depth--
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new StoreFault('MalformedXML', { reason: 'not UTF-8' }, { cause })
  }
}
