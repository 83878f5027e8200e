/**
 * What an XML element holds, as data: one description reads requests and writes answers.
 * The order of a structure's members is the order in which they are written.
 */
export type Shape<T> = TextShape<T> | StructureShape<T> | ListShape<T> | ChoiceShape<T>

/** An element that holds text only. */
export interface TextShape<T> {
  readonly kind: 'text'
  /** Faults: MalformedXML. */
  read(text: string, name: string): T
  write(value: T): string
  /** As content of XML, escaped: for what is written by the thousand, where to look for what has to be escaped would be in vain. */
  writeXml?(value: T): string
}

export interface StructureShape<T> {
  readonly kind: 'structure'
  readonly members: Readonly<Record<string, Member>>
  /** What the element has in its start tag, a space first and escaped, when it is written; when it is read, nothing of it counts. */
  readonly attributes?: (value: unknown) => string
  readonly value?: T
}

/** `flat`: the items stand directly in the parent, each under the member's name; else in elements called `item`. */
export interface ListShape<T> {
  readonly kind: 'list'
  readonly item: Shape<unknown>
  readonly itemName: string | undefined
  readonly value?: T
}

/** Items of several names, standing directly in the parent in the order of the value. Is only written. */
export interface ChoiceShape<T> {
  readonly kind: 'choice'
  readonly items: Readonly<Record<string, Shape<unknown>>>
  readonly value?: T
}

export interface Member<T = unknown> {
  readonly shape: Shape<T>
  readonly isOptional: boolean
}

type Members = Readonly<Record<string, Shape<unknown> | Member>>
type ValueOf<S> = S extends Member<infer T> ? T : S extends Shape<infer T> ? T : never
type OptionalNames<M> = { [K in keyof M]: M[K] extends { isOptional: true } ? K : never }[keyof M]

/** The TypeScript value that a shape describes. */
export type Infer<S> = S extends Shape<infer T> ? T : never
export type StructureValue<M> = { [K in Exclude<keyof M, OptionalNames<M>>]: ValueOf<M[K]> } & {
  [K in OptionalNames<M>]?: ValueOf<M[K]> | undefined
}

export function structure<const M extends Members>(members: M): StructureShape<StructureValue<M>> {
  const entries = Object.entries(members).map(([name, member]) => [name, asMember(member)] as const)
  return { kind: 'structure', members: Object.fromEntries(entries) }
}

/** The same with attributes on the element. */
export function withAttributes<T>(shape: StructureShape<T>, attributes: (value: T) => string): StructureShape<T> {
  return { ...shape, attributes: attributes as (value: unknown) => string }
}

export function optional<T>(shape: Shape<T>): { readonly shape: Shape<T>; readonly isOptional: true } {
  return { shape, isOptional: true }
}

/** `<Name>…</Name><Name>…</Name>` directly in the parent. Absent: an empty list. */
export function flatList<T>(item: Shape<T>): ListShape<readonly T[]> {
  return { kind: 'list', item: item as Shape<unknown>, itemName: undefined }
}

/** `<A>…</A><B>…</B><A>…</A>` directly in the parent: each value names its element. */
export function flatChoice<const M extends Readonly<Record<string, Shape<unknown>>>>(
  items: M,
): ChoiceShape<readonly { [K in keyof M]: { name: K; value: Infer<M[K]> } }[keyof M][]> {
  return { kind: 'choice', items }
}

/** `<Name><itemName>…</itemName>…</Name>`. */
export function listOf<T>(itemName: string, item: Shape<T>): ListShape<readonly T[]> {
  return { kind: 'list', item: item as Shape<unknown>, itemName }
}

function asMember(member: Shape<unknown> | Member): Member {
  return 'kind' in member ? { shape: member, isOptional: false } : member
}
