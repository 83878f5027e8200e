import type { Clock } from '../../base/clock.ts'
import type { AccountId } from '../../base/ids.ts'
import type { Identity } from '../auth/authenticate.ts'
import { parseAmzDate } from '../names/http-date.ts'
import { percentDecode } from '../names/percent.ts'
import { headerOf, type RequestHead } from '../request-head.ts'
import { arnOf, type Caller } from './caller.ts'
import { tlsVersion } from './peer.ts'
import type { Context } from './policy/pattern.ts'

/** What conditions are judged by; nothing of it is worked out before a condition asks. */
export interface Facts {
  identity: Identity
  caller: Caller
  head: RequestHead
  clock: Clock
  bucketOwnerId: AccountId | undefined
  /** Of the object that it is done to, where it has been looked up. */
  tags: Tags | undefined
  said?: Said
}

/** Instead of what the request's head says: of one key among several, of a copy's source, by a body. */
export type Said = Readonly<Record<string, Fact>>

type Tags = readonly (readonly [key: string, value: string])[]
type Fact = string | readonly string[] | undefined

export function contextOf(facts: Facts): Context {
  return (key) => {
    if (facts.said && Object.hasOwn(facts.said, key)) return asList(facts.said[key])
    const known = Object.hasOwn(FACTS, key) ? FACTS[key] : undefined
    return asList(known ? known(facts) : (tagFact(key, facts) ?? headerFact(key, facts)))
  }
}

function asList(fact: Fact): readonly string[] | undefined {
  return typeof fact === 'string' ? [fact] : fact
}

/** By lower-case key; those of S3 that are not here are headers of the same name. */
const FACTS: Readonly<Record<string, (facts: Facts) => Fact>> = {
  'aws:currenttime': ({ clock }) => new Date(clock.nowMs()).toISOString(),
  'aws:epochtime': ({ clock }) => String(Math.floor(clock.nowMs() / 1000)),
  'aws:principalaccount': ({ caller }) => caller.accountId,
  'aws:principalarn': ({ caller }) => arnOf(caller),
  'aws:principaltype': ({ caller }) => {
    if (caller.accountId === undefined) return 'Anonymous'
    return caller.policy === undefined ? 'Account' : 'User'
  },
  'aws:referer': ({ head }) => headerOf(head, 'referer'),
  'aws:resourceaccount': ({ bucketOwnerId }) => bucketOwnerId,
  'aws:securetransport': ({ head }) => String(head.isTls),
  'aws:sourceip': ({ head }) => head.address,
  'aws:useragent': ({ head }) => headerOf(head, 'user-agent'),
  'aws:userid': ({ caller }) => {
    if (caller.accountId === undefined) return 'anonymous'
    return caller.policy === undefined ? caller.accountId : caller.accessKeyId
  },
  'aws:username': ({ caller }) => (caller.policy === undefined ? undefined : caller.accessKeyId),
  's3:authtype': ({ identity }) => {
    if (identity.kind === 'anonymous') return undefined
    if (identity.via === 'form') return 'POST'
    return identity.via.startsWith('header') ? 'REST-HEADER' : 'REST-QUERY-STRING'
  },
  's3:delimiter': queryFact('delimiter'),
  's3:if-match': ({ head }) => headerOf(head, 'if-match'),
  's3:if-none-match': ({ head }) => headerOf(head, 'if-none-match'),
  's3:max-keys': queryFact('max-keys'),
  's3:object-lock-remaining-retention-days': ({ head, clock }) =>
    remainingDays(Date.parse(headerOf(head, 'x-amz-object-lock-retain-until-date') ?? ''), clock),
  's3:prefix': queryFact('prefix'),
  's3:requestobjecttagkeys': (facts) => requestTags(facts)?.map(([key]) => key),
  's3:resourceaccount': ({ bucketOwnerId }) => bucketOwnerId,
  's3:signatureage': signatureAge,
  's3:signatureversion': ({ identity }) => {
    if (identity.kind === 'anonymous') return undefined
    return identity.via.endsWith('v2') ? 'AWS' : 'AWS4-HMAC-SHA256'
  },
  's3:tlsversion': ({ head }) => tlsVersion(head.peer),
  's3:versionid': queryFact('versionId'),
  's3:x-amz-copy-source': ({ head }) => {
    const source = headerOf(head, 'x-amz-copy-source')
    return source === undefined ? undefined : (percentDecode(source) ?? source).replace(/^\//, '')
  },
}

/** Of a retention; undefined: there is none. */
function remainingDays(untilMs: number, clock: Clock): string | undefined {
  return Number.isNaN(untilMs) ? undefined : String(Math.ceil((untilMs - clock.nowMs()) / 86_400_000))
}

function queryFact(name: string): (facts: Facts) => string | undefined {
  return ({ head }) => head.query.get(name)
}

/** Milliseconds since the request was signed. */
function signatureAge({ identity, head, clock }: Facts): string | undefined {
  if (identity.kind === 'anonymous') return undefined
  const signedAt = parseAmzDate(head.query.get('X-Amz-Date') ?? headerOf(head, 'x-amz-date') ?? '')
  return signedAt === undefined ? undefined : String(Math.max(0, clock.nowMs() - signedAt))
}

const EXISTING = 's3:existingobjecttag/'
const REQUESTED = 's3:requestobjecttag/'

/** What the document of PutObjectTagging asks for. */
export function saidByTags(tags: Tags): Said {
  const each = tags.map(([key, value]) => [REQUESTED + key, value] as const)
  return { ...Object.fromEntries(each), 's3:requestobjecttagkeys': tags.map(([key]) => key) }
}

/** What the document of PutObjectRetention asks for; undefined: its end. */
export function saidByRetention(retention: { mode: string; until: Date } | undefined, clock: Clock): Said {
  return {
    's3:object-lock-mode': retention?.mode,
    's3:object-lock-retain-until-date': retention?.until.toISOString(),
    's3:object-lock-remaining-retention-days': retention && remainingDays(retention.until.getTime(), clock),
  }
}

/** What the document of PutObjectLegalHold asks for. */
export function saidByLegalHold(isOn: boolean): Said {
  return { 's3:object-lock-legal-hold': isOn ? 'ON' : 'OFF' }
}

function tagFact(key: string, facts: Facts): string | undefined {
  const find = (tags: Tags | undefined, name: string) => tags?.find(([tag]) => tag === name)?.[1]
  if (key.startsWith(EXISTING)) return find(facts.tags, key.slice(EXISTING.length))
  return key.startsWith(REQUESTED) ? find(requestTags(facts), key.slice(REQUESTED.length)) : undefined
}

/** Those of the x-amz-tagging header, coded as a query is. */
function requestTags({ head }: Facts): Tags | undefined {
  const tagging = headerOf(head, 'x-amz-tagging')
  return tagging === undefined ? undefined : [...new URLSearchParams(tagging)]
}

/** `s3:x-amz-acl`, `s3:object-lock-mode`. */
function headerFact(key: string, { head }: Facts): string | undefined {
  const name = key.slice('s3:'.length)
  return headerOf(head, name.startsWith('object-lock-') ? `x-amz-${name}` : name)
}
