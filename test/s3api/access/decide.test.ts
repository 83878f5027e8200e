import t from 'tap'
import type { Acl, PublicAccessBlock } from '../../../src/base/access.ts'
import type { AccountId } from '../../../src/base/ids.ts'
import type { BucketSettings } from '../../../src/base/model.ts'
import { ALL_BLOCKED, NONE_BLOCKED } from '../../../src/s3api/access/bucket-rules.ts'
import type { Caller } from '../../../src/s3api/access/caller.ts'
import { decide } from '../../../src/s3api/access/decide.ts'
import type { S3Action } from '../../../src/s3api/actions.ts'
import { bucket } from '../../support/engine.ts'

const OWNER = bucket.ownerId
const OTHER = 'b'.repeat(64) as AccountId
const account = (accountId: AccountId | undefined, policy?: object): Caller => ({
  accountId,
  accessKeyId: accountId && 'AKX',
  policy: policy && JSON.stringify({ Statement: policy }),
})
const [owner, other, nobody] = [account(OWNER), account(OTHER), account(undefined)]

const ALL = { Action: 's3:*', Resource: [`arn:aws:s3:::${bucket.name}`, `arn:aws:s3:::${bucket.name}/*`] }
const policy = (...statements: object[]) => JSON.stringify({ Statement: statements })
const allow = (Principal: unknown, more: object = {}) => ({ Effect: 'Allow', Principal, ...ALL, ...more })
const deny = (Principal: unknown, more: object = {}) => ({ Effect: 'Deny', Principal, ...ALL, ...more })
const toOther = { AWS: OTHER }

interface Case {
  settings?: BucketSettings
  action?: S3Action
  caller: Caller
  /** Whose the object is. */
  access?: { ownerId: AccountId; acl?: Acl }
  isMissing?: boolean
  isAlongWrite?: boolean
}

function verdict({ settings = {}, action = 's3:GetObject', caller, ...more }: Case) {
  const resource = `arn:aws:s3:::${bucket.name}${action.includes('Bucket') ? '' : '/key'}`
  const { access, isMissing = false, isAlongWrite = false } = more
  const wish = { access, isMissing, isAlongWrite, caller, action, resource, context: () => undefined }
  return decide({ ...wish, bucket: { ...bucket, settings } })
}

t.test('without rules: the owner may, and nobody else', async (t) => {
  t.equal(verdict({ caller: owner }), 'allow')
  t.equal(verdict({ caller: other }), 'silent')
  t.equal(verdict({ caller: nobody }), 'silent')
})

t.test('a bucket policy: allows others, denies anybody, and denying wins', async (t) => {
  const allows = { settings: { policy: policy(allow(toOther)) } }
  t.equal(verdict({ ...allows, caller: other }), 'allow')
  t.equal(verdict({ ...allows, caller: nobody }), 'silent')
  const both = {
    settings: { policy: policy(allow(toOther), deny(toOther), allow('*')), publicAccessBlock: 'none' as const },
  }
  t.equal(verdict({ ...both, caller: other }), 'deny')
  t.equal(verdict({ ...both, caller: nobody }), 'allow')
  t.equal(verdict({ settings: { policy: policy(deny('*')) }, caller: owner }), 'deny', 'the owner too')
  const butOther = { Effect: 'Deny', NotPrincipal: toOther, ...ALL }
  t.equal(verdict({ settings: { policy: policy(butOther, allow('*')) }, caller: owner }), 'deny')
})

t.test('the owner’s account mends its policy, whatever that says; its bounded keys and others do not', async (t) => {
  const settings = { policy: policy(deny('*')) }
  for (const action of ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'] as const) {
    t.equal(verdict({ settings, action, caller: owner }), 'allow')
    t.equal(verdict({ settings, action, caller: account(OWNER, { Effect: 'Allow', ...ALL }) }), 'deny')
    t.equal(verdict({ settings, action, caller: other }), 'deny')
  }
  t.equal(verdict({ settings, action: 's3:PutBucketAcl', caller: owner }), 'deny')
})

t.test('a key’s policy bounds its key: denied or unsaid is refused; allowed is as its account', async (t) => {
  const reads = { Effect: 'Allow', Action: 's3:Get*', Resource: '*' }
  t.equal(verdict({ caller: account(OWNER, reads) }), 'allow')
  t.equal(verdict({ caller: account(OWNER, reads), action: 's3:PutObject' }), 'deny')
  t.equal(verdict({ caller: account(OWNER, [reads, { ...reads, Effect: 'Deny' }] as unknown as object) }), 'deny')
  t.equal(verdict({ caller: account(OTHER, reads) }), 'silent', 'it opens no bucket of another account')
  const settings = { policy: policy(allow(toOther)) }
  t.equal(verdict({ settings, caller: account(OTHER, reads) }), 'allow')
  t.equal(verdict({ settings, caller: account(OTHER, reads), action: 's3:PutObject' }), 'deny')
  t.equal(verdict({ settings: { policy: policy(deny(toOther), allow('*')) }, caller: account(OTHER, reads) }), 'deny')
  const byName = { policy: policy(allow({ AWS: `arn:aws:iam::${OTHER}:user/AKX` })) }
  t.equal(verdict({ settings: byName, caller: account(OTHER, reads) }), 'allow', 'a policy may name one key')
  t.equal(verdict({ settings: byName, caller: { ...account(OTHER, reads), accessKeyId: 'AKY' } }), 'silent')
})

const blocking = (flags: Partial<PublicAccessBlock>) => ({ publicAccessBlock: { ...NONE_BLOCKED, ...flags } })

t.test('RestrictPublicBuckets: a public policy lets in nobody from outside; one that is not public does', async (t) => {
  const text = policy(allow('*'), { ...allow(toOther), Sid: 'x' })
  for (const caller of [other, nobody]) {
    t.equal(verdict({ settings: { policy: text, publicAccessBlock: 'none' }, caller }), 'allow')
    t.equal(verdict({ settings: { policy: text, ...blocking({ restrictPublicBuckets: true }) }, caller }), 'silent')
    t.equal(verdict({ settings: { policy: text }, caller }), 'silent', 'as all buckets are that say nothing')
  }
  t.equal(verdict({ settings: { policy: text }, caller: owner }), 'allow')
  t.equal(
    verdict({ settings: { policy: policy(allow(toOther)), publicAccessBlock: ALL_BLOCKED }, caller: other }),
    'allow',
  )
})

const toAll = (permission: Acl[number]['permission']): Acl => [{ to: { group: 'AllUsers' }, permission }]
const known = (permission: Acl[number]['permission']): Acl => [{ to: { group: 'AuthenticatedUsers' }, permission }]
const open = { ownership: 'ObjectWriter', publicAccessBlock: 'none' } as const

t.test('ACLs of buckets: what is granted, to whom; nothing with BucketOwnerEnforced or IgnorePublicAcls', async (t) => {
  const cases: [Acl, S3Action, allowed: Caller[]][] = [
    [toAll('READ'), 's3:ListBucket', [other, nobody]],
    [toAll('READ'), 's3:GetObject', []],
    [toAll('READ'), 's3:PutObject', []],
    [toAll('WRITE'), 's3:PutObject', [other, nobody]],
    [toAll('WRITE'), 's3:DeleteObject', [other, nobody]],
    [known('WRITE'), 's3:PutObject', [other]],
    [toAll('READ_ACP'), 's3:GetBucketAcl', [other, nobody]],
    [toAll('WRITE_ACP'), 's3:PutBucketAcl', [other, nobody]],
    [toAll('FULL_CONTROL'), 's3:PutBucketPolicy', []],
    [[{ to: { id: OTHER }, permission: 'FULL_CONTROL' }], 's3:ListBucketMultipartUploads', [other]],
    [[{ to: { group: 'LogDelivery' }, permission: 'WRITE' }], 's3:PutObject', []],
  ]
  for (const [acl, action, allowed] of cases) {
    for (const caller of [other, nobody]) {
      const expected = allowed.includes(caller) ? 'allow' : 'silent'
      t.equal(verdict({ settings: { ...open, acl }, action, caller }), expected, `${JSON.stringify(acl)} ${action}`)
      t.equal(verdict({ settings: { acl, publicAccessBlock: 'none' }, action, caller }), 'silent', 'enforced')
      const isPublic = acl.some(({ to }) => 'group' in to && to.group !== 'LogDelivery')
      const ignored = { ownership: 'ObjectWriter', acl, ...blocking({ ignorePublicAcls: true }) } as const
      t.equal(verdict({ settings: ignored, action, caller }), isPublic ? 'silent' : expected, 'ignored')
    }
  }
})

t.test(
  'ACLs of objects: the writer’s object is the writer’s; the bucket’s owner may delete it, and read what is granted',
  async (t) => {
    const access = { ownerId: OTHER }
    const settings = { ...open, policy: policy(allow('*')) }
    t.equal(verdict({ settings: open, caller: other, access }), 'allow')
    t.equal(verdict({ settings: open, caller: other, access: { ownerId: OTHER, acl: [] } }), 'silent', 'it said so')
    t.equal(
      verdict({ settings: open, caller: other, access: { ownerId: OTHER, acl: [] }, action: 's3:GetObjectAcl' }),
      'allow',
    )
    t.equal(verdict({ settings: open, caller: owner, access }), 'silent')
    t.equal(verdict({ settings: open, caller: owner, access, action: 's3:DeleteObject' }), 'allow')
    t.equal(
      verdict({ settings, caller: nobody, access }),
      'silent',
      'a bucket’s policy gives away what is the bucket owner’s',
    )
    t.equal(verdict({ settings, caller: nobody }), 'allow')
    const granted = { ownerId: OTHER, acl: [{ to: { id: OWNER }, permission: 'READ' }] } as const
    t.equal(verdict({ settings: open, caller: owner, access: granted }), 'allow')
    t.equal(verdict({ settings: open, caller: owner, access: granted, action: 's3:PutObjectAcl' }), 'silent')
    t.equal(verdict({ settings: {}, caller: owner, access }), 'allow', 'enforced: all is the bucket owner’s')
    t.equal(verdict({ settings: open, caller: nobody, access: { ownerId: OWNER, acl: toAll('READ') } }), 'allow')
    t.equal(
      verdict({ settings: open, caller: nobody, access: { ownerId: OWNER, acl: toAll('READ') }, isMissing: true }),
      'silent',
    )
  },
)

t.test('what is said of an object that is written: by whoever may write by an ACL, or by policy', async (t) => {
  const writer = { settings: { ...open, acl: toAll('WRITE') }, caller: nobody, action: 's3:PutObjectAcl' } as const
  t.equal(verdict({ ...writer, isAlongWrite: true }), 'allow')
  t.equal(verdict(writer), 'silent')
  const putOnly = { policy: policy(allow(toOther, { Action: 's3:PutObject' })) }
  t.equal(verdict({ settings: putOnly, caller: other, action: 's3:PutObject' }), 'allow')
  t.equal(verdict({ settings: putOnly, caller: other, action: 's3:PutObjectAcl', isAlongWrite: true }), 'silent')
})
