import { type AddressList, parseAddressList } from './address-list.ts'

/** What a setting's text may be, and what it means. Used by the table of settings alone. */
export interface Kind<T> {
  /** What is allowed, as the end of a sentence. */
  readonly allowed: string
  /** undefined: not allowed. */
  parse(text: string): T | undefined
}

/** A path of at most `bytesMax` bytes. */
export function filePath(bytesMax: number): Kind<string> {
  return {
    allowed: `a path of at most ${grouped(bytesMax)} bytes`,
    parse: (value) => (/\p{Cc}/u.test(value) || Buffer.byteLength(value) > bytesMax ? undefined : value),
  }
}

export function matching(pattern: RegExp, allowed: string): Kind<string> {
  return { allowed, parse: (value) => (pattern.test(value) ? value : undefined) }
}

export function integer({ min, max }: { min: number; max: number }): Kind<number> {
  return {
    allowed: `a whole number from ${grouped(min)} to ${grouped(max)}`,
    parse: (value) => (/^\d{1,16}$/.test(value) ? within(Number(value), min, max) : undefined),
  }
}

/** 0 lets the system choose. */
export const port = integer({ min: 0, max: 65_535 })

export function choice<const T extends string>(values: readonly T[]): Kind<T> {
  return {
    allowed: `one of ${values.join(', ')}`,
    parse: (value) => values.find((one) => one === value.trim()),
  }
}

export const flag: Kind<boolean> = {
  allowed: 'true or false',
  parse: (value) => ({ true: true, '1': true, false: false, '0': false })[value.toLowerCase()],
}

/** Seconds in the environment, milliseconds in the program. */
export function seconds({ min, max }: { min: number; max: number }): Kind<number> {
  return {
    allowed: `a number of seconds from ${grouped(min)} to ${grouped(max)}`,
    parse(value) {
      if (!/^\d{1,9}(\.\d{1,3})?$/.test(value)) return undefined
      const parsed = within(Number(value), min, max)
      return parsed === undefined ? undefined : Math.round(parsed * 1000)
    },
  }
}

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

export function bytes({ min, max, multipleOf = 1 }: { min: number; max: number; multipleOf?: number }): Kind<number> {
  const step = multipleOf === 1 ? '' : `, a multiple of ${grouped(multipleOf)}`
  return {
    allowed: `a number of bytes (or KiB, MiB, GiB, TiB) from ${showBytes(min)} to ${showBytes(max)}${step}`,
    parse(value) {
      const match = /^(\d{1,16}) ?((?:[KMGT]iB)?)$/.exec(value)
      if (!match) return undefined
      const parsed = within(Number(match[1]) * BYTE_UNITS[match[2]!]!, min, max)
      return parsed !== undefined && parsed % multipleOf === 0 ? parsed : undefined
    },
  }
}

/** With commas between them. */
export const addressList: Kind<AddressList> = {
  allowed: 'addresses and CIDR blocks, IPv4 or IPv6, with commas between them: 10.0.0.0/8,2001:db8::/32,192.0.2.7',
  parse: (value) => parseAddressList(value.split(',').map((text) => text.trim())),
}

/** 32 bytes as 64 hex digits or as base64. */
export const key32: Kind<Buffer> = {
  allowed: '32 bytes, as 64 hex digits or as base64',
  parse(value) {
    const coded = value.trim()
    if (/^[0-9a-fA-F]{64}$/.test(coded)) return Buffer.from(coded, 'hex')
    if (/^[A-Za-z0-9+/]{43}=$/.test(coded)) return Buffer.from(coded, 'base64')
    return undefined
  },
}

/** `name=key`, with commas between them; keys as in `key32`. */
export const namedKeys: Kind<readonly { name: string; key: Buffer }[]> = {
  allowed:
    'name=key pairs with commas between them: names of letters, digits and . _ : / -, keys of 32 bytes, as 64 hex digits or as base64',
  parse(value) {
    const pairs = value.split(',').map((pair) => {
      const [, name, coded] = /^\s*([\w.:/-]{1,256})=(\S+)\s*$/.exec(pair) ?? []
      const key = coded === undefined ? undefined : key32.parse(coded)
      return name !== undefined && key ? { name, key } : undefined
    })
    return pairs.every((pair) => pair !== undefined) ? pairs : undefined
  },
}

/** Several, with commas between them. */
export function listOf<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    allowed: `${kind.allowed}; several with commas between them`,
    parse(value) {
      const parsed = value.split(',').map((each) => kind.parse(each.trim()))
      return parsed.every((each) => each !== undefined) ? (parsed as T[]) : undefined
    },
  }
}

/** `16 MiB` where it comes out even, else the plain number. */
export function showBytes(value: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find(
    (name) => value >= BYTE_UNITS[name]! && value % BYTE_UNITS[name]! === 0,
  )
  return unit ? `${value / BYTE_UNITS[unit]!} ${unit}` : grouped(value)
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined
}

function grouped(value: number): string {
  // Not toLocaleString: its first call loads the tables of a locale, 30 ms and more of every start.
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}
