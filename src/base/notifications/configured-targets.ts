import type { Kind } from '../config-kinds.ts'
import type { Webhook } from './targets.ts'

const ID = /^[\w-]{1,63}$/

/** `{"orders": "https://…", "audit": {"url": "https://…", "secret": "…"}}` */
export const webhookMap: Kind<ReadonlyMap<string, Webhook>> = {
  allowed:
    'a JSON object of ids (letters, digits, _ and -), each with an http or https URL without a user, or with an object of url and secret',
  parse(text) {
    const given = parseObject(text)
    if (!given) return undefined
    const webhooks = Object.entries(given).map(([id, value]) => [ID.test(id), id, parseWebhook(value)] as const)
    if (!webhooks.every(([isName, , webhook]) => isName && webhook)) return undefined
    return new Map(webhooks.map(([, id, webhook]) => [id, webhook!]))
  },
}

/** The store's own channel is none of them. */
export const channelSet: Kind<ReadonlySet<string>> = {
  allowed: 'names of letters, digits and _ that do not begin with a digit or with sextant_, with commas between them',
  parse(text) {
    const names = text.split(',')
    return names.every((name) => /^(?!sextant_)[A-Za-z_]\w{0,62}$/.test(name)) ? new Set(names) : undefined
  },
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function parseWebhook(value: unknown): Webhook | undefined {
  const { url, secret, ...others } = isObject(value) ? value : { url: value }
  if (typeof url !== 'string' || !isHttp(url) || Object.keys(others).length > 0) return undefined
  if (secret === undefined) return { url }
  return typeof secret === 'string' && secret !== '' ? { url, secret } : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** fetch refuses a URL with a user in it. */
function isHttp(text: string): boolean {
  const url = URL.parse(text)
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.username === '' && url.password === ''
}
