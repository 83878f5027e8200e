import { assert } from '../../base/faults.ts'
import type { Member, Shape } from './shape.ts'

export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** An element and what it holds, without the declaration. `xmlns` empty: no namespace (S3's <Error> has none). */
export function writeXml<T>(root: string, shape: Shape<T>, value: T, xmlns = S3_NAMESPACE): string {
  const attributes = xmlns === '' ? '' : ` xmlns="${xmlns}"`
  return `<${root}${attributes}>${writeContent(shape as Shape<unknown>, value)}</${root}>`
}

function writeContent(shape: Shape<unknown>, value: unknown): string {
  switch (shape.kind) {
    case 'text':
      return shape.writeXml ? shape.writeXml(value) : escapeText(shape.write(value))
    case 'structure':
      return writeMembers(shape.members, value as Readonly<Record<string, unknown>>)
    case 'list':
      assert(shape.itemName !== undefined, 'a flat list is written by its parent')
      return writeItems(shape.itemName, shape.item, value as readonly unknown[])
    case 'choice':
      return writeChosen(shape.items, value as readonly Chosen[])
  }
}

function writeMembers(members: Readonly<Record<string, Member>>, value: Readonly<Record<string, unknown>>): string {
  let out = ''
  for (const name in members) {
    const member = members[name]!
    const held = value[name]
    if (held === undefined) {
      assert(member.isOptional, `${name} is missing`)
    } else if (member.shape.kind === 'choice') {
      out += writeContent(member.shape, held)
    } else if (member.shape.kind === 'list' && member.shape.itemName === undefined) {
      out += writeItems(name, member.shape.item, held as readonly unknown[])
    } else {
      out += `<${name}${attributesOf(member.shape, held)}>${writeContent(member.shape, held)}</${name}>`
    }
  }
  return out
}

function writeItems(name: string, item: Shape<unknown>, values: readonly unknown[]): string {
  let out = ''
  for (const value of values) out += writeItem(name, item, value)
  return out
}

function writeItem(name: string, item: Shape<unknown>, value: unknown): string {
  return `<${name}>${writeContent(item, value)}</${name}>`
}

interface Chosen {
  readonly name: string
  readonly value: unknown
}

function writeChosen(items: Readonly<Record<string, Shape<unknown>>>, values: readonly Chosen[]): string {
  let out = ''
  for (const { name, value } of values) out += writeItem(name, items[name]!, value)
  return out
}

function attributesOf(shape: Shape<unknown>, value: unknown): string {
  return shape.kind === 'structure' && shape.attributes ? shape.attributes(value) : ''
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be found
const SPECIAL = /[&<>"\u0000-\u0008\u000b\u000c\r\u000e-\u001f\u007f\ufffe\uffff]/g
const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** What XML 1.0 has no way to carry is written as character references, as S3 does; encoding-type=url avoids them. */
export function escapeText(value: string): string {
  // Hardly any text has one: to look costs half of what to replace nothing costs.
  if (value.search(SPECIAL) < 0) return value
  return value.replace(SPECIAL, (c) => NAMED[c] ?? `&#x${c.charCodeAt(0).toString(16)};`)
}
