import * as sdk from '@aws-sdk/client-s3'

/**
 * The official model travels with the SDK: [9, namespace, name, traits, input, output], undocumented, hence only for tests
 * and documents.
 */
type Traits = Record<string, unknown> | number
export type Member = number | (() => Structure) | [unknown, Traits] | [unknown]
export type Structure = [kind: number, ns: string, name: string, traits: Traits, names: string[], members: Member[]]
export type ModelOperation = [9, string, string, Record<string, unknown>, () => Structure, () => Structure]

/** S3's operations by name. */
export const model: ReadonlyMap<string, ModelOperation> = new Map(
  Object.values(sdk)
    .filter((value) => Array.isArray(value) && value[0] === 9)
    .map((value) => [(value as unknown as ModelOperation)[2], value as unknown as ModelOperation]),
)

/** Traits without a value are bits of a number. */
const BITS: Readonly<Record<string, number>> = { httpLabel: 1, httpPayload: 16 }

export function trait(member: Member | undefined, name: string): unknown {
  const traits = Array.isArray(member) ? member[1] : undefined
  if (typeof traits === 'number') return traits & (BITS[name] ?? 0) ? 1 : undefined
  return typeof traits === 'object' && traits !== null ? (traits as Record<string, unknown>)[name] : undefined
}

export function routeOf(operation: ModelOperation): { method: string; path: string; query: string[]; status: number } {
  const [method, target, status] = operation[3].http as [string, string, number]
  const [path, query = ''] = target.split('?') as [string, string?]
  return { method, path, status, query: query.split('&').filter((each) => each !== '' && !each.startsWith('x-id=')) }
}

/** What a reference points at: itself a schema, or a function that gives one. */
export function schemaOf(member: Member | undefined): unknown[] | undefined {
  const target = Array.isArray(member) ? member[0] : member
  const value = typeof target === 'function' ? target() : target
  return Array.isArray(value) ? value : undefined
}

export function asStructure(schema: unknown): Structure | undefined {
  return Array.isArray(schema) && schema[0] === 3 ? (schema as unknown as Structure) : undefined
}

/** The structure that a message's document is: its payload, or, without one, itself. */
export function documentOf(message: Structure): { root: string; structure: Structure } | undefined {
  const payload = message[5].find((member) => trait(member, 'httpPayload') !== undefined)
  const structure = payload === undefined ? message : asStructure(schemaOf(payload))
  if (structure === undefined) return undefined
  const root = trait(payload, 'xmlName') ?? trait([0, structure[3]], 'xmlName') ?? structure[2]
  return { root: root as string, structure }
}

/** The members of a structure by the name that they have in XML, those in headers, query and attributes left out. */
export function xmlMembers([, , , , names, members]: Structure): Map<string, Member> {
  const found = new Map<string, Member>()
  members.forEach((member, i) => {
    const isElsewhere = [
      'httpHeader',
      'httpQuery',
      'httpLabel',
      'httpPayload',
      'httpPrefixHeaders',
      'xmlAttribute',
    ].some((name) => trait(member, name) !== undefined)
    if (!isElsewhere) found.set((trait(member, 'xmlName') as string) ?? names[i]!, member)
  })
  return found
}

/** Names of the message's headers, in lower case. */
export function headerNames([, , , , , members]: Structure): string[] {
  return members.flatMap((member) => {
    const name = trait(member, 'httpHeader') as string | undefined
    return name === undefined ? [] : [name.toLowerCase()]
  })
}
