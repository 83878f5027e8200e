import { Chance } from './chance.ts'
import { edited } from './grammar/edits.ts'
import { forged } from './grammar/forgeries.ts'
import { broken } from './grammar/frame-breaks.ts'
import { assembled, DECODED, framed, MODES } from './grammar/frames.ts'
import { type Intent, md5, putObject, requestOf, someIntent } from './grammar/intents.ts'
import { oddLine, oddMessage } from './grammar/odd-lines.ts'
import { oddRequest } from './grammar/odd-requests.ts'
import { oddNumber } from './grammar/odd-text.ts'
import { type By, signIntent, signingOf, signRequest } from './grammar/sign-intent.ts'
import { bytesOf, type HttpRequest, withHeader } from './request.ts'
import type { Case, Verdict, World } from './world.ts'

interface Draft {
  notes: readonly string[]
  bytes: Buffer
  verdict: Verdict
  isWhole: boolean
  sets: Case['sets']
}

type Theme = (chance: Chance, world: World, serial: number) => Draft

const THEMES: readonly (readonly [weight: number, readonly [name: string, theme: Theme]])[] = [
  [2, ['rightful', rightful]],
  [6, ['forged', forgery]],
  [3, ['not allowed', notAllowed]],
  [2, ['not signed', notSigned]],
  [4, ['frames', frames]],
  [8, ['odd', odd]],
  [5, ['bytes', editedBytes]],
  [4, ['lines', lines]],
]

/** Follows from seed, serial and world alone. */
export function makeCase(seed: number, serial: number, world: World): Case {
  const chance = new Chance(seed, serial)
  const [theme, make] = chance.weighted(THEMES)
  const { bytes, ...draft } = make(chance, world, serial)
  return { serial, theme, ...draft, pieces: cut(chance, bytes) }
}

/** As it should be: if these fail, the rest proves nothing. */
function rightful(chance: Chance, world: World, serial: number): Draft {
  const intent = someIntent(chance, world, serial)
  const { request, isBodySigned, form } = signIntent(chance, intent, world)
  return whole('accept', [intent.operation, form], request, setsOf(intent, isBodySigned))
}

function forgery(chance: Chance, world: World, serial: number): Draft {
  const intent = someIntent(chance, world, serial)
  const signed = signIntent(chance, intent, world)
  const { name, request } = forged(chance, signed, world)
  return whole('refuse', [intent.operation, signed.form, name], request)
}

/** Signed as it should be, by who may not do it, or not now. */
function notAllowed(chance: Chance, world: World, serial: number): Draft {
  const intent = intentOnBucket(chance, world, serial)
  const nowMs = world.nowMs()
  const [note, by] = chance.pick<readonly [string, By]>([
    ['by a stranger', { key: world.stranger }],
    ['with a wrong secret', { key: { ...world.owner, secretAccessKey: world.stranger.secretAccessKey } }],
    ['with no secret', { key: { ...world.owner, secretAccessKey: '' } }],
    ['with an unknown key', { key: { accessKeyId: chance.pick(['AKNOBODY', 'x', '\xff', '%']), secretAccessKey: '' } }],
    ['too late', { atMs: nowMs - chance.pick([16 * 60_000, 86_400_000, 1e11]) }],
    ['too early', { atMs: nowMs + chance.pick([16 * 60_000, 86_400_000, 1e11]) }],
    ['for another region', { region: chance.pick(['eu-west-1', 'US-EAST-1', 'us-east-1 ', '']) }],
  ])
  const isLate = by.atMs !== undefined && by.atMs < nowMs
  const { request, form } = signIntent(chance, intent, world, { ...by, ...(isLate && { expires: '300' }) })
  // SigV2 knows no region, and no time before which it does not count.
  const isNothing = form === 'v2' && (by.region !== undefined || (by.atMs ?? 0) > nowMs)
  return isNothing ? notSigned(chance, world, serial) : whole('refuse', [intent.operation, form, note], request)
}

/** Everybody may list buckets: their own. */
function intentOnBucket(chance: Chance, world: World, serial: number): Intent {
  for (;;) {
    const intent = someIntent(chance, world, serial)
    if (intent.bucket !== undefined) return intent
  }
}

function notSigned(chance: Chance, world: World, serial: number): Draft {
  const intent = someIntent(chance, world, serial)
  const request = requestOf(intent, world)
  const isOdd = chance.oneIn(2)
  const { request: sent } = isOdd ? oddRequest(chance, world, serial) : { request }
  // Everybody may ask how the gateway is.
  return sent.target.startsWith('/health')
    ? whole('any', ['health'], sent)
    : whole('refuse', [isOdd ? 'odd' : intent.operation, 'not signed'], sent)
}

/** A body in frames that is broken, or whose headers lie about it under oath. */
function frames(chance: Chance, world: World, serial: number): Draft {
  const intent = { ...putObject(chance, world, serial), body: chance.bytes(chance.between(16, 200)) }
  const mode = chance.pick(MODES)
  const how = { mode, frameBytes: chance.pick([5, 8, 64, 1024]), signing: signingOf(world) }
  const isLie = chance.oneIn(4)
  const lie = chance.pick([
    String(intent.body.length + chance.between(1, 9)),
    String(intent.body.length - chance.between(1, 9)),
    '',
    '-1',
    '1e3',
    `${intent.body.length} `.repeat(2),
    '99999999999999999999',
  ])
  const body = framed(requestOf(intent, world), how, (request) => (isLie ? withHeader(request, DECODED, lie) : request))
  if (isLie) return whole('refuse', [mode, 'a length that lies'], assembled(body))
  const { name, framed: bad } = broken(chance, body)
  return whole('refuse', [mode, name], assembled(bad))
}

function odd(chance: Chance, world: World, serial: number): Draft {
  const { note, request, sets } = oddRequest(chance, world, serial)
  const { request: signed, form } = signRequest(request, chance.pick(['hash', 'unsigned', 'query']), world, { chance })
  return { ...whole('any', [note, form], signed, sets.map(anything)), isWhole: false }
}

/** Anything of the above, with bytes changed wherever they happen to lie. */
function editedBytes(chance: Chance, world: World, serial: number): Draft {
  const draft = chance.pick([rightful, rightful, odd, notSigned])(chance, world, serial)
  const { bytes, notes } = edited(chance, draft.bytes)
  // No edit signs what was not signed; it may happen to ask for /health.
  const verdict = draft.notes.includes('not signed') && !bytes.includes('/health') ? 'refuse' : 'any'
  return { ...draft, bytes, notes: [...draft.notes, ...notes], verdict, isWhole: false }
}

/** No HTTP, or hardly; or lines that are none of HTTP's in a signed request. */
function lines(chance: Chance, world: World, serial: number): Draft {
  if (chance.oneIn(2)) {
    const bytes = Buffer.from(oddMessage(chance), 'latin1')
    const verdict = bytes.includes('/health') ? 'any' : 'refuse'
    return { notes: ['odd lines', 'not signed'], bytes, verdict, isWhole: false, sets: [] }
  }
  const intent = someIntent(chance, world, serial)
  const { request, isBodySigned, form } = signIntent(chance, intent, world)
  const more = chance.some(1, 3, () => oddLine(chance))
  const bare = chance.oneIn(2)
    ? withHeader(request, 'Content-Length', oddNumber(chance).replaceAll(/[^\0-\xff]/g, '?'))
    : request
  const text = bytesOf(bare).toString('latin1')
  const bytes = Buffer.from(text.replace('\r\n', `\r\n${more.map((line) => `${line}\r\n`).join('')}`), 'latin1')
  const notes = [intent.operation, form, 'with odd lines']
  return { notes, bytes, verdict: 'any', isWhole: false, sets: setsOf(intent, isBodySigned) }
}

function whole(verdict: Verdict, notes: readonly string[], request: HttpRequest, sets: Case['sets'] = []): Draft {
  return { notes, bytes: bytesOf(withHeader(request, 'Connection', 'close')), verdict, isWhole: true, sets }
}

function setsOf({ sets, body, operation }: Intent, isBodySigned: boolean): Case['sets'] {
  if (sets === undefined) return []
  return [isBodySigned && operation === 'PutObject' ? { key: sets, etag: md5(body, 'hex') } : anything(sets)]
}

function anything(key: string): Case['sets'][number] {
  return { key, etag: undefined }
}

function cut(chance: Chance, bytes: Buffer): Buffer[] {
  const cuts = chance.oneIn(3) ? chance.some(1, 2, () => chance.below(bytes.length + 1)).sort((a, b) => a - b) : []
  return [0, ...cuts].map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length))
}
