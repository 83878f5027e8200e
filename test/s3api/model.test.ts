import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import {
  asStructure,
  documentOf,
  headerNames,
  type ModelOperation,
  model,
  routeOf,
  type Structure,
  schemaOf,
  trait,
  xmlMembers,
} from '../../conformance/support/s3-model.ts'
import { errorTable } from '../../src/s3api/errors.ts'
import {
  elementsLeftOut,
  headersLeftOut,
  headersToCome,
  operationsLeftOut,
  operationsToCome,
} from '../../src/s3api/left-out.ts'
import type { Operation, XmlPayload } from '../../src/s3api/operation.ts'
import { operations } from '../../src/s3api/operations/table.ts'
import { subresources } from '../../src/s3api/subresources.ts'
import { flatList, type Shape, type StructureShape } from '../../src/s3api/xml/shape.ts'

/** Read by the pipeline for every operation, or about what S3 bills, which is nothing here. */
const EVERYWHERE = [
  'x-amz-expected-bucket-owner',
  'x-amz-request-payer',
  'x-amz-mfa',
  'x-amz-bypass-governance-retention',
  'x-amz-optional-object-attributes',
  // An account is never locked out of its bucket's policy: there is nothing to confirm.
  'x-amz-confirm-remove-self-bucket-access',
  'x-amz-sdk-checksum-algorithm',
  'content-md5',
  'content-length',
]
const REFUSED =
  /^x-amz-(?:object-lock-|grant-|acl$|tagging|bucket-|if-match|object-ownership|write-offset|object-annotation-directive)/

/** Names that are in no model and that S3's servers send. */
const BEYOND_MODEL = ['ListParts/EncodingType']
/** Roots that S3's servers send, whatever the model calls them. */
const ROOTS: Readonly<Record<string, string>> = {
  GetBucketLocation: 'LocationConstraint',
  GetObjectAttributes: 'GetObjectAttributesResponse',
}

const unknownElements = new Set<string>()

t.test('every operation of S3 is done, or listed with the reason why not', async (t) => {
  const done = new Set(operations.map(({ name }) => name))
  const listed = new Set([...Object.keys(operationsLeftOut), ...operationsToCome])
  t.same(
    [...model.keys()].filter((name) => !done.has(name) && !listed.has(name)),
    [],
    'neither done nor listed',
  )
  t.same(
    [...listed].filter((name) => !model.has(name)),
    [],
    'listed, and no operation of S3',
  )
  t.same(
    Object.keys(operationsLeftOut).filter((name) => done.has(name)),
    [],
    'said to be left out, and done',
  )
})

for (const operation of operations) {
  t.test(`${operation.name}: route, status and names are those of S3's own model`, async (t) => {
    const official = model.get(operation.name)
    if (!official) throw new Error('S3 has no such operation')
    const { method, path, query, status } = routeOf(official)
    t.equal(operation.route.method, method)
    t.equal(operation.route.on, path === '/{Key+}' ? 'object' : operation.name === 'ListBuckets' ? 'service' : 'bucket')
    // A parameter that S3 requires of this operation alone selects it too.
    const required = requiredQueries(official)
    const selectors = [...(operation.route.query ?? [])].sort()
    t.same(selectors, [...new Set([...query, ...required])].sort())
    // S3's own answer to DeleteBucket and the like is 204, as the model says.
    t.equal(operation.status, status)
    checkInputs(t, operation, official)
    checkDocuments(t, operation, official)
  })
}

function requiredQueries(official: ModelOperation): string[] {
  const [, , , , names, members, required = 0] = official[4]() as unknown as [...Structure, number?]
  return names.slice(0, required).flatMap((_, i) => (trait(members[i], 'httpQuery') as string) ?? [])
}

/** Every query parameter and header of the model is read, and no parameter is invented. */
function checkInputs(t: Test, operation: Operation, official: ModelOperation): void {
  const input = official[4]()
  const known = new Set(input[5].flatMap((member) => (trait(member, 'httpQuery') as string) ?? []))
  const read = new Set<string>(operation.route.query?.map((each) => each.split('=')[0]!))
  for (const field of Object.values(operation.request)) {
    if (field.from === 'query') for (const name of field.reads ?? [field.name]) read.add(name)
  }
  for (const name of known) t.ok(read.has(name), `the query parameter ${name} is read`)
  const inTarget = routeOf(official).query.map((each) => each.split('=')[0])
  const extra = [...read].filter((name) => !known.has(name) && !inTarget.includes(name))
  // ListParts takes encoding-type as S3's servers do, though the model is silent.
  t.same(extra, operation.name === 'ListParts' ? ['encoding-type'] : [])
  for (const header of headerNames(input)) {
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

function checkDocuments(t: Test, operation: Operation, official: ModelOperation): void {
  if (operation.body) {
    const document = documentOf(asStructure(official[5]())!)!
    t.equal(operation.body.root, ROOTS[operation.name] ?? document.root)
    compareShapes(t, operation.name, operation.body.shape, document.structure)
  }
  if (operation.payload.kind === 'xml') {
    const { root, shape } = operation.payload as XmlPayload<unknown>
    const document = documentOf(asStructure(official[4]())!)!
    t.equal(root, document.root)
    compareShapes(t, operation.name, shape, document.structure)
  }
}

/** By their names. What is written mixed is a flattened list of each to S3's model. */
function elementsOf({ members }: StructureShape<unknown>): Map<string, Shape<unknown>> {
  return new Map(
    Object.entries(members).flatMap(([name, { shape }]) =>
      shape.kind === 'choice'
        ? Object.entries(shape.items).map(([each, item]) => [each, flatList(item)] as const)
        : [[name, shape] as const],
    ),
  )
}

/** Every name is one of S3's, and every one of S3's is there, or listed as left out. */
function compareShapes(t: Test, path: string, shape: Shape<unknown>, official: Structure): void {
  if (shape.kind !== 'structure') return
  const known = xmlMembers(official)
  const elements = elementsOf(shape)
  for (const name of known.keys()) {
    // What is only looked for, and refused where it is there, has no shape of its own.
    if (elements.size === 0 || elements.has(name)) continue
    unknownElements.add(name)
    t.ok(elementsLeftOut[name], `${path}/${name} is told or read, or listed with the reason why not`)
  }
  for (const [name, inner] of elements) {
    const here = `${path}/${name}`
    const member = known.get(name)
    t.ok(member !== undefined || BEYOND_MODEL.includes(here), `${here} is a name of S3's`)
    const schema = schemaOf(member)
    if (!schema) continue
    const isList = schema[0] === 1
    t.equal(inner.kind === 'list', isList, `${here} is a list or none, as the model says`)
    if (isList && inner.kind === 'list') {
      const isFlat = trait(member, 'xmlFlattened') !== undefined
      t.equal(inner.itemName === undefined, isFlat, `${here} is flattened or not`)
      const item = asStructure(schemaOf(schema[4] as Parameters<typeof schemaOf>[0]))
      if (item) compareShapes(t, here, inner.item, item)
    } else if (schema[0] === 3) {
      compareShapes(t, here, inner, schema as unknown as Structure)
    }
  }
}

t.test('every header of S3’s answers is sent by somebody, or listed with the reason why not', async (t) => {
  const done = operations.filter(({ status }) => status < 300).map(({ name }) => model.get(name)!)
  const headers = new Set(done.flatMap((official) => headerNames(asStructure(official[5]()) ?? NO_MEMBERS)))
  const source = sourceText()
  const isMade = (name: string) =>
    source.includes(`'${name}'`) ||
    // One for each algorithm.
    name.startsWith('x-amz-checksum-') ||
    headersToCome.some((prefix) => name.startsWith(prefix))
  for (const name of headers) t.ok(isMade(name) || headersLeftOut[name], name)
  t.same(
    Object.keys(headersLeftOut).filter((name) => !headers.has(name)),
    [],
    'listed, and no header of any answer',
  )
})

const NO_MEMBERS: Structure = [3, '', '', 0, [], []]

/** In lower case, as header names are compared. */
function sourceText(): string {
  const root = fileURLToPath(new URL('../../src/s3api/', import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const code = files.filter((file) => file.endsWith('.ts') && !file.endsWith('left-out.ts'))
  return code.map((file) => readFileSync(root + file, 'utf8').toLowerCase()).join('\n')
}

t.test('no element is listed as left out that is not', async (t) => {
  t.same(
    Object.keys(elementsLeftOut).filter((name) => !unknownElements.has(name)),
    [],
  )
})

t.test('every sub-resource of S3 is known to the router, so that none is passed over', async (t) => {
  for (const [name, operation] of model) {
    for (const selector of routeOf(operation).query) {
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
