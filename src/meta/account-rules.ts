import type { Random } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'

const ACCESS_KEY_ID = /^[\w.-]{3,128}$/
/** Printable ASCII: what SDKs and configuration files carry unharmed. */
const SECRET = /^[\x21-\x7e]{8,256}$/
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

export function makeCredentials(random: Random): Credentials {
  const letters = [...random.bytes(16)].map((byte) => ID_LETTERS[byte % ID_LETTERS.length])
  return { accessKeyId: `SXAK${letters.join('')}`, secretAccessKey: random.bytes(30).toString('base64') }
}

/** Fault: InvalidArgument, which says nothing of the secret. */
export function checkCredentials({ accessKeyId, secretAccessKey }: Credentials): void {
  check('access key id', accessKeyId, ACCESS_KEY_ID, '3 to 128 letters, digits, dots, dashes and underscores')
  if (!SECRET.test(secretAccessKey)) {
    const reason = 'The secret access key must be 8 to 256 printable ASCII characters without spaces.'
    throw new StoreFault('InvalidArgument', { name: 'secret access key', reason })
  }
}

/** Fault: InvalidArgument. */
export function check(name: string, value: string, pattern: RegExp, rule: string): void {
  if (pattern.test(value)) return
  throw new StoreFault('InvalidArgument', { name, value: value.slice(0, 200), reason: `The ${name} must be ${rule}.` })
}

export function taken(name: string, value: string): StoreFault {
  return new StoreFault('InvalidArgument', { name, value, reason: `This ${name} is taken.` })
}
