import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { bytes, integer, type Kind } from '../../base/config-kinds.ts'
import { systemClock } from '../../base/system.ts'
import type { AccessKeyControl, ListedAccessKey } from '../../meta/access-key-control.ts'
import { CommandFailure } from '../failure.ts'
import { listAll } from './list-all.ts'
import { parseDuration, parseWhen } from './parse-when.ts'
import { readKeyPolicy } from './read-key-policy.ts'
import { readSecretOption } from './read-secret.ts'
import { withMeta } from './store-access.ts'

interface NewKey {
  account: string
  accessKey?: string
  secretKey?: string
  /** Files. */
  secretKeyFile?: string
  policy?: string
  /** As people write it. */
  expires?: string
}

export async function createKey(asked: NewKey) {
  const { account: accountName, accessKey, policy: file, expires } = asked
  const credentials = bothOrNeither(accessKey, await secretOf(asked))
  const policy = file === undefined ? undefined : readKeyPolicy(file)
  const expiresAt = expires === undefined ? undefined : parseWhen(expires, systemClock.nowMs())
  const key = { accountName, credentials, policy, expiresAt }
  const made = await withMeta((meta, signal) => meta.accessKeys.create(key, signal), { needsSealingKey: true })
  const { accessKeyId, secretAccessKey, account } = made
  return { accessKeyId, secretAccessKey, account: account.name, expiresAt: expiresAt?.toISOString() ?? null }
}

function secretOf({ secretKey: given, secretKeyFile: file }: Pick<NewKey, 'secretKey' | 'secretKeyFile'>) {
  return readSecretOption('--secret-key', { given, file })
}

function bothOrNeither(accessKeyId: string | undefined, secretAccessKey: string | undefined) {
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey }
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  throw new CommandFailure(
    '--access-key and --secret-key, or --secret-key-file, belong together: give both or neither.',
    { exitCode: 2 },
  )
}

export async function listKeys() {
  const rows = await listAll(
    (meta, page, signal) => meta.accessKeys.list(page, signal),
    ({ accessKeyId }) => accessKeyId,
  )
  return rows.map(showKey)
}

export async function findKey(accessKeyId: string) {
  const found = await withMeta((meta, signal) => meta.accessKeys.find(accessKeyId, signal))
  if (!found) throw noKey(accessKeyId)
  return showKey(found)
}

interface Rotation {
  secretKey?: string
  secretKeyFile?: string
  /** As people write it. */
  grace?: string
}

export async function rotateKey(accessKeyId: string, asked: Rotation) {
  const { grace } = asked
  const secretAccessKey = await secretOf(asked)
  const graceMs = grace === undefined ? readSettings(processConfig()).keyGraceMs : parseDuration(grace)
  const rotation = { accessKeyId, secretAccessKey, graceMs }
  const options = { needsSealingKey: true }
  const rotated = await withMeta((meta, signal) => meta.accessKeys.rotate(rotation, signal), options)
  if (!rotated) throw noKey(accessKeyId)
  const { formerUntil, ...credentials } = rotated
  return { ...credentials, formerSecretUntil: formerUntil.toISOString() }
}

/** `file` undefined: the key may do again what its account may. */
export async function setKeyPolicy(accessKeyId: string, file: string | undefined) {
  const policy = file === undefined ? undefined : readKeyPolicy(file)
  await change(accessKeyId, (keys, signal) => keys.setPolicy({ accessKeyId, policy }, signal))
}

export async function setKeyStatus(accessKeyId: string, status: 'active' | 'disabled') {
  await change(accessKeyId, (keys, signal) => keys.setStatus({ accessKeyId, status }, signal))
}

/** `addresses` undefined: it may be used from anywhere. */
export async function setKeyAllowedFrom(accessKeyId: string, addresses: readonly string[] | undefined) {
  await change(accessKeyId, (keys, signal) => keys.setAllowedFrom({ accessKeyId, allowedFrom: addresses }, signal))
}

interface Limits {
  /** As people write them; 0: none. */
  requests?: string
  bytes?: string
}

/** Undefined: as the settings say. */
export async function setKeyLimits(accessKeyId: string, given: Limits | undefined) {
  const limits = given && {
    ...(given.requests !== undefined && { requestsPerSecond: parsed(REQUESTS, given.requests) }),
    ...(given.bytes !== undefined && { bytesPerSecond: parsed(BYTES, given.bytes) }),
  }
  await change(accessKeyId, (keys, signal) => keys.setLimits({ accessKeyId, limits }, signal))
}

const REQUESTS = integer({ min: 0, max: 1_000_000 })
const BYTES = bytes({ min: 0, max: 2 ** 40 })

function parsed(kind: Kind<number>, text: string): number {
  const value = kind.parse(text)
  if (value === undefined) throw new CommandFailure(`A limit must be ${kind.allowed}.`, { exitCode: 2 })
  return value
}

/** Answers from when on it is refused; undefined: never. */
export async function setKeyExpiry(accessKeyId: string, when: string): Promise<Date | undefined> {
  const expiresAt = when === 'never' ? undefined : parseWhen(when, systemClock.nowMs())
  await change(accessKeyId, (keys, signal) => keys.setExpiry({ accessKeyId, expiresAt }, signal))
  return expiresAt
}

export async function deleteKey(accessKeyId: string) {
  await change(accessKeyId, (keys, signal) => keys.delete(accessKeyId, signal))
}

type Change = (keys: AccessKeyControl, signal: AbortSignal) => Promise<boolean>

async function change(accessKeyId: string, work: Change): Promise<void> {
  const isThere = await withMeta((meta, signal) => work(meta.accessKeys, signal))
  if (!isThere) throw noKey(accessKeyId)
}

function showKey(key: ListedAccessKey) {
  const { accessKeyId, accountName, policy, createdAt, expiresAt, lastUsedAt, formerSecretUntil } = key
  const isExpired = expiresAt !== undefined && expiresAt.getTime() <= systemClock.nowMs()
  return {
    accessKeyId,
    account: accountName,
    status: key.status === 'active' && isExpired ? 'expired' : key.status,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    formerSecretUntil: formerSecretUntil?.toISOString() ?? null,
    allowedFrom: key.allowedFrom ?? null,
    limits: key.limits ?? null,
    policy: policy === undefined ? null : (JSON.parse(policy) as unknown),
  }
}

function noKey(accessKeyId: string): CommandFailure {
  return new CommandFailure(`There is no access key ${accessKeyId}.`)
}
