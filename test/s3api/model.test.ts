import * as sdk from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { errorTable } from '../../src/s3api/errors.ts'
import type { Operation } from '../../src/s3api/operation.ts'
import { operations } from '../../src/s3api/operations/table.ts'
import { subresources } from '../../src/s3api/subresources.ts'
import type { Shape } from '../../src/s3api/xml/shape.ts'

/** The official model travels with the SDK: [9, namespace, name, traits, input, output], undocumented, hence only here. */
type Traits = Record<string, unknown> | number
type Member = number | (() => Structure) | [unknown, Traits] | [unknown]
type Structure = [kind: number, ns: string, name: string, traits: Traits, names: string[], members: Member[]]
type ModelOperation = [9, string, string, Record<string, unknown>, () => Structure, () => Structure]

const model = new Map<string, ModelOperation>()
for (const value of Object.values(sdk)) {
  if (Array.isArray(value) && value[0] === 9) model.set(value[2] as string, value as unknown as ModelOperation)
}

/** Traits without a value are bits of a number. */
const BITS: Readonly<Record<string, number>> = { httpLabel: 1, httpPayload: 16 }

function trait(member: Member | undefined, name: string): unknown {
  const traits = Array.isArray(member) ? member[1] : undefined
  if (typeof traits === 'number') return traits & (BITS[name] ?? 0) ? 1 : undefined
  return typeof traits === 'object' && traits !== null ? (traits as Record<string, unknown>)[name] : undefined
}

function route(operation: ModelOperation): { method: string; path: string; query: string[]; status: number } {
  const [method, target, status] = operation[3].http as [string, string, number]
  const [path, query = ''] = target.split('?') as [string, string?]
  return { method, path, status, query: query.split('&').filter((each) => each !== '' && !each.startsWith('x-id=')) }
}

function structureOf(reference: unknown): Structure | undefined {
  const value = typeof reference === 'function' ? reference() : reference
  return Array.isArray(value) && value[0] === 3 ? (value as unknown as Structure) : undefined
}

/** The members of a structure by the name that they have in XML, those in headers and query left out. */
function xmlMembers([, , , , names, members]: Structure): Map<string, Member> {
  const found = new Map<string, Member>()
  members.forEach((member, i) => {
    const isElsewhere = ['httpHeader', 'httpQuery', 'httpLabel', 'httpPayload'].some(
      (name) => trait(member, name) !== undefined,
    )
    if (!isElsewhere) found.set((trait(member, 'xmlName') as string) ?? names[i]!, member)
  })
  return found
}

/** Read by the pipeline for every operation, or about what S3 bills, which is nothing here. */
const EVERYWHERE = [
  'x-amz-expected-bucket-owner',
  'x-amz-request-payer',
  'x-amz-mfa',
  'x-amz-bypass-governance-retention',
  'x-amz-optional-object-attributes',
  'x-amz-sdk-checksum-algorithm',
  'content-md5',
  'content-length',
]
const REFUSED =
  /^x-amz-(?:server-side-encryption|copy-source-server-side-encryption|object-lock-|grant-|acl$|tagging|bucket-|if-match|object-ownership|write-offset|object-annotation-directive)/

/** Names that are in no model and that S3's servers send. */
const BEYOND_MODEL = ['ListParts/EncodingType']

for (const operation of operations) {
  t.test(`${operation.name}: route, status and names are those of S3's own model`, async (t) => {
    const official = model.get(operation.name)
    if (!official) throw new Error('S3 has no such operation')
    const { method, path, query, status } = route(official)
    t.equal(operation.route.method, method)
    t.equal(operation.route.on, path === '/{Key+}' ? 'object' : operation.name === 'ListBuckets' ? 'service' : 'bucket')
    // A parameter that S3 requires of this operation alone selects it too.
    const required = requiredQueries(official)
    const selectors = [...(operation.route.query ?? [])].sort()
    t.same(selectors, [...new Set([...query, ...required])].sort())
    // S3's own answer to DeleteBucket and the like is 204, as the model says.
    t.equal(operation.status, status)
    checkInputs(t, operation, official)
    checkOutput(t, operation, official)
  })
}

function requiredQueries(official: ModelOperation): string[] {
  const [, , , , names, members, required = 0] = official[4]() as unknown as [...Structure, number?]
  return names.slice(0, required).flatMap((_, i) => (trait(members[i], 'httpQuery') as string) ?? [])
}

/** Every query parameter of the model is read, and none is invented. */
function checkInputs(t: Test, operation: Operation, official: ModelOperation): void {
  const members = official[4]()[5]
  const known = new Set(members.flatMap((member) => (trait(member, 'httpQuery') as string) ?? []))
  const read = new Set<string>(operation.route.query?.map((each) => each.split('=')[0]!))
  for (const field of Object.values(operation.request)) {
    if (field.from === 'query') for (const name of field.reads ?? [field.name]) read.add(name)
  }
  for (const name of known) t.ok(read.has(name), `the query parameter ${name} is read`)
  const extra = [...read].filter(
    (name) => !known.has(name) && !['list-type', 'location', 'delete', 'uploads'].includes(name),
  )
  // ListParts takes encoding-type as S3's servers do, though the model is silent.
  t.same(extra, operation.name === 'ListParts' ? ['encoding-type'] : [])
  for (const member of members) {
    const header = (trait(member, 'httpHeader') as string | undefined)?.toLowerCase()
    if (header === undefined) continue
    t.ok(isHeaderMinded(header, operation), `the header ${header} is read, refused or harmless`)
  }
}

function isHeaderMinded(header: string, operation: Operation): boolean {
  if (EVERYWHERE.includes(header) || REFUSED.test(header)) return true
  if (header.startsWith('x-amz-checksum-') && operation.payload.kind !== 'none') return true
  return Object.values(operation.request).some((field) =>
    (field.reads ?? [field.name]).some(
      (name) => name === header || (name.endsWith('*') && header.startsWith(name.slice(0, -1))),
    ),
  )
}

function checkOutput(t: Test, operation: Operation, official: ModelOperation): void {
  if (!operation.body) return
  const output = structureOf(official[5])!
  const payload = output[5].findIndex((member) => trait(member, 'httpPayload') !== undefined)
  const root = payload < 0 ? output : structureOf((output[5][payload] as [unknown])[0])!
  const rootName = trait([0, root[3]], 'xmlName') ?? (payload < 0 ? undefined : root[2])
  // The model names GetBucketLocation's root after its only member.
  t.equal(operation.body.root, operation.name === 'GetBucketLocation' ? 'LocationConstraint' : (rootName ?? root[2]))
  if (operation.body.shape.kind === 'structure') compareShapes(t, operation.name, operation.body.shape, root)
}

function compareShapes(t: Test, path: string, shape: Shape<unknown>, official: Structure): void {
  if (shape.kind !== 'structure') return
  const known = xmlMembers(official)
  for (const [name, { shape: inner }] of Object.entries(shape.members)) {
    const here = `${path}/${name}`
    const member = known.get(name)
    t.ok(member !== undefined || BEYOND_MODEL.includes(here), `${here} is a name of S3's`)
    const target = Array.isArray(member) ? member[0] : member
    const official = typeof target === 'function' ? target() : target
    if (!Array.isArray(official)) continue
    const isList = official[0] === 1
    t.equal(inner.kind === 'list', isList, `${here} is a list or none, as the model says`)
    if (isList && inner.kind === 'list') {
      const isFlat = trait(member, 'xmlFlattened') !== undefined
      t.equal(inner.itemName === undefined, isFlat, `${here} is flattened or not`)
      const item = Array.isArray(official[4]) ? official[4][0] : official[4]
      const itemStructure = structureOf(item)
      if (itemStructure) compareShapes(t, here, inner.item, itemStructure)
    } else if (official[0] === 3) {
      compareShapes(t, here, inner, official as unknown as Structure)
    }
  }
}

t.test('every sub-resource of S3 is known to the router, so that none is passed over', async (t) => {
  for (const [name, operation] of model) {
    for (const selector of route(operation).query) {
      const parameter = selector.split('=')[0]!
      t.ok(subresources.has(parameter), `${name}: ${parameter}`)
    }
  }
})

t.test('every error has a status of S3, and a message', async (t) => {
  for (const [code, row] of Object.entries(errorTable)) {
    const { status, message } = row as { status: unknown; message: unknown }
    t.ok(typeof status === 'function' || (typeof status === 'number' && status >= 300 && status < 600), code)
    t.ok(message, code)
  }
})

t.test('no two operations are selected by the same', async (t) => {
  const keys = operations.map(({ route }) => JSON.stringify([route.method, route.on, route.query, route.header]))
  t.equal(new Set(keys).size, operations.length)
})
