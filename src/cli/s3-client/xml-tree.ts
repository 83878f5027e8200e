import { StoreFault } from '../../base/faults.ts'
import { XmlScanner } from '../../s3api/xml/xml-scanner.ts'

/** A page of 1,000 versions has fifteen thousand. */
const ELEMENTS_MAX = 200_000

/** An element of an answer: what it holds in the order in which it stands there, which XML shapes do not keep. */
export interface XmlElement {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlElement[]
}

/** The root element of a document. Fault: MalformedXML. */
export function readXmlTree(document: string): XmlElement {
  const scanner = new XmlScanner(document, ELEMENTS_MAX)
  const first = scanner.next()
  if (first.kind !== 'open') throw new StoreFault('MalformedXML', { reason: 'no root element' })
  const root = readElement(scanner, first.name)
  if (scanner.next().kind !== 'end') throw new StoreFault('MalformedXML', { reason: 'more than one root element' })
  return root
}

function readElement(scanner: XmlScanner, name: string): XmlElement {
  const children: XmlElement[] = []
  let text = ''
  for (let token = scanner.next(); token.kind !== 'close'; token = scanner.next()) {
    if (token.kind === 'text') text += token.text
    else if (token.kind === 'open') children.push(readElement(scanner, token.name))
  }
  return { name, text, children }
}

/** What the first child of that name holds. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text
}
