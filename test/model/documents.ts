/** Elements of these names in the order of the document, each with what stands in it; none stands in another. */
export function blocksOf(xml: Buffer, names: readonly string[]): { name: string; text: string }[] {
  const found = xml.toString().matchAll(new RegExp(`<(${names.join('|')})>([^]*?)</\\1>`, 'g'))
  return [...found].map(([, name, text]) => ({ name: name!, text: text! }))
}
