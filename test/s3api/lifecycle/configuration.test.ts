import t from 'tap'
import type { LifecycleRule } from '../../../src/base/lifecycle/rules.ts'
import { lifecycleConfiguration } from '../../../src/s3api/lifecycle/configuration.ts'
import { abortHeaders, expirationHeader } from '../../../src/s3api/lifecycle/due-headers.ts'
import { parseRules } from '../../../src/s3api/lifecycle/parse-rules.ts'
import { writeRules } from '../../../src/s3api/lifecycle/write-rules.ts'
import { readXml } from '../../../src/s3api/xml/read-xml.ts'
import { writeXml } from '../../../src/s3api/xml/write-xml.ts'
import { refused } from '../refused.ts'

const ROOT = 'LifecycleConfiguration'
const read = (rules: string): LifecycleRule[] =>
  parseRules(readXml(ROOT, lifecycleConfiguration, Buffer.from(`<${ROOT}>${rules}</${ROOT}>`)).Rule)
const write = (rules: readonly LifecycleRule[]) =>
  writeXml(ROOT, lifecycleConfiguration, { Rule: writeRules(rules) }, '').slice(ROOT.length + 2, -ROOT.length - 3)

const DAYS = '<Expiration><Days>1</Days></Expiration>'
const on = (inner: string, id = 'r') => `<Rule><ID>${id}</ID>${inner}<Status>Enabled</Status>`
const simple = (inner: string) => `${on('<Filter></Filter>')}${inner}</Rule>`
const filtered = (filter: string, action = DAYS) => `${on(`<Filter>${filter}</Filter>`)}${action}</Rule>`
const TAG = '<Tag><Key>k</Key><Value>v</Value></Tag>'
const MARKER = '<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>'
const abort = (days: number) =>
  `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload>`
const noncurrent = (inner: string) => `<NoncurrentVersionExpiration>${inner}</NoncurrentVersionExpiration>`

const kept: Record<string, string> = {
  'days, all objects': simple(DAYS),
  'a prefix': filtered('<Prefix>logs/</Prefix>'),
  'an empty prefix': filtered('<Prefix></Prefix>'),
  'a tag': filtered(TAG),
  'a size': filtered('<ObjectSizeGreaterThan>0</ObjectSizeGreaterThan>'),
  'And, with all': filtered(
    `<And><Prefix>a</Prefix>${TAG}<Tag><Key>b</Key><Value></Value></Tag><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><ObjectSizeLessThan>3</ObjectSizeLessThan></And>`,
  ),
  'the first form': `${on('<Prefix>logs/</Prefix>')}${DAYS}</Rule>`,
  'a date': simple('<Expiration><Date>2026-12-01T00:00:00.000Z</Date></Expiration>'),
  'markers, versions and uploads': simple(
    `${MARKER}${noncurrent('<NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>500</NewerNoncurrentVersions>')}${abort(7)}`,
  ),
  'a rule that is off': `<Rule><ID>r</ID><Filter></Filter><Status>Disabled</Status>${DAYS}</Rule>`,
}
for (const [what, rules] of Object.entries(kept)) {
  t.test(`lifecycle: ${what}: given back as it was put`, async (t) => {
    const parsed = read(rules)
    t.equal(write(parsed), rules)
    t.same(JSON.parse(JSON.stringify(parsed)), parsed, 'and it goes through JSON')
  })
}

t.test('lifecycle: rules without an id get one, each its own and always the same', async (t) => {
  const two = `<Rule><Filter/><Status>Enabled</Status>${DAYS}</Rule>`.repeat(2)
  const ids = read(two).map(({ id }) => id)
  t.equal(new Set(ids).size, 2)
  t.ok(ids.every((id) => id.length > 0 && id.length <= 255))
  t.same(
    read(two).map(({ id }) => id),
    ids,
  )
})

const long = 'i'.repeat(256)
const refusals: [what: string, rules: string, code: string, message: RegExp][] = [
  ['no rules', '', 'InvalidRequest', /At least one lifecycle rule/],
  ['1,001 rules', simple(DAYS).repeat(1001), 'InvalidRequest', /1000 rules/],
  ['an id of 256', `${on('<Filter/>', long)}${DAYS}</Rule>`, 'InvalidArgument', /^ID length/],
  ['an id given twice', simple(DAYS).repeat(2), 'InvalidArgument', /must be unique/],
  ['a status in small letters', simple(DAYS).replace('Enabled', 'enabled'), 'MalformedXML', /./],
  ['no status', `<Rule><Filter/>${DAYS}</Rule>`, 'MalformedXML', /./],
  ['no filter', `${on('')}${DAYS}</Rule>`, 'MalformedXML', /./],
  ['no action', simple(''), 'InvalidRequest', /At least one action/],
  ['0 days', simple('<Expiration><Days>0</Days></Expiration>'), 'InvalidArgument', /positive integer/],
  ['−1 days', simple('<Expiration><Days>-1</Days></Expiration>'), 'InvalidArgument', /positive integer/],
  ['half a day', simple('<Expiration><Days>0.5</Days></Expiration>'), 'MalformedXML', /./],
  ['an empty expiration', simple('<Expiration/>'), 'MalformedXML', /./],
  [
    'days and date',
    simple('<Expiration><Days>1</Days><Date>2026-12-01T00:00:00Z</Date></Expiration>'),
    'MalformedXML',
    /./,
  ],
  ['noon', simple('<Expiration><Date>2026-12-01T12:00:00Z</Date></Expiration>'), 'InvalidArgument', /midnight GMT/],
  ['no date', simple('<Expiration><Date>tomorrow</Date></Expiration>'), 'MalformedXML', /./],
  ['0 noncurrent days', simple(noncurrent('<NoncurrentDays>0</NoncurrentDays>')), 'InvalidArgument', /NoncurrentDays/],
  ['keeping alone', simple(noncurrent('<NewerNoncurrentVersions>1</NewerNoncurrentVersions>')), 'MalformedXML', /./],
  [
    'keeping none',
    simple(noncurrent('<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>0</NewerNoncurrentVersions>')),
    'InvalidArgument',
    /NewerNoncurrentVersions/,
  ],
  ['0 days of an upload', simple(abort(0)), 'InvalidArgument', /DaysAfterInitiation/],
  ['two members of a filter', filtered(`<Prefix>a</Prefix>${TAG}`), 'MalformedXML', /./],
  ['a tag key twice', filtered(`<And>${TAG}${TAG}</And>`), 'InvalidRequest', /Duplicate Tag Keys/],
  [
    'sizes that nothing has',
    filtered('<And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan><ObjectSizeLessThan>5</ObjectSizeLessThan></And>'),
    'InvalidRequest',
    /greater than/,
  ],
  ['less than nothing', filtered('<ObjectSizeLessThan>0</ObjectSizeLessThan>'), 'InvalidRequest', /between 1 and/],
  ['markers by tag', filtered(TAG, MARKER), 'InvalidRequest', /ExpiredObjectDeleteMarker cannot .* Tags/],
  ['uploads by tag', filtered(TAG, abort(1)), 'InvalidRequest', /AbortIncompleteMultipartUpload cannot .* Tags/],
  [
    'uploads by size',
    filtered('<ObjectSizeLessThan>9</ObjectSizeLessThan>', abort(1)),
    'InvalidRequest',
    /Object Size/,
  ],
  [
    'both forms',
    `${simple(DAYS)}${on('<Prefix>a</Prefix>', 'q')}${DAYS}</Rule>`,
    'InvalidRequest',
    /Base level prefix cannot/,
  ],
  [
    'prefixes of the first form that overlap',
    `${on('<Prefix>a</Prefix>')}${DAYS}</Rule>${on('<Prefix>ab</Prefix>', 'q')}${DAYS}</Rule>`,
    'InvalidRequest',
    /overlapping prefixes 'a' and 'ab' for same action type 'Expiration'/,
  ],
  ['a prefix of 1,025 bytes', filtered(`<Prefix>${'p'.repeat(1025)}</Prefix>`), 'InvalidArgument', /1024/],
  [
    'a transition',
    simple('<Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition>'),
    'NotImplemented',
    /transition/,
  ],
  [
    'a transition to a class that S3 moves nothing to',
    simple('<Transition><Days>30</Days><StorageClass>STANDARD</StorageClass></Transition>'),
    'MalformedXML',
    /./,
  ],
  [
    'a noncurrent transition',
    simple(
      '<NoncurrentVersionTransition><NoncurrentDays>30</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>',
    ),
    'NotImplemented',
    /transition/,
  ],
]
for (const [what, rules, code, message] of refusals) {
  t.test(`lifecycle: ${what}: ${code}`, async (t) => refused(t, () => read(rules), code, message))
}

t.test('x-amz-expiration: the date and the rule, its id coded where a header cannot carry it', async (t) => {
  const due = (id: string) => ({ atMs: Date.UTC(2012, 11, 21), rule: { id } as LifecycleRule })
  t.same(expirationHeader(due('Rule for testfile.txt')), {
    'x-amz-expiration': 'expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="Rule for testfile.txt"',
  })
  t.match(expirationHeader(due('"ü"\n'))['x-amz-expiration'], /rule-id="%22%C3%BC%22%0A"$/)
  t.same(expirationHeader(undefined), {})
  t.same(expirationHeader({ ...due('r'), atMs: 9e15 }), {})
  t.same(abortHeaders(due('r')), { 'x-amz-abort-date': 'Fri, 21 Dec 2012 00:00:00 GMT', 'x-amz-abort-rule-id': 'r' })
})
