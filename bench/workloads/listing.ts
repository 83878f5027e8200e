import type { OpenClient } from '../load/drive.ts'
import { HttpClient } from '../load/http-client.ts'
import { callers, callOnce, readyCallers, type S3Target, signed } from '../load/s3.ts'
import { fillKeys, flatKey } from '../store/fill-keys.ts'
import type { Bench, Plan, Workload } from './workload.ts'

const BUCKET = 'bench-listing'
const PAGE_KEYS = 1000

export interface Listing {
  name: string
  prefix?: string
  delimiter?: string
  /** Where the pages begin that are asked for in turn; else one page is asked for again and again. */
  after?: (n: number) => string
  /** Keys and common prefixes that each page has. */
  shown: number
}

/** Of a bucket with so many keys, half in one folder and half on four levels: a multiple of 2,000. */
export function listingsOf(keys: number): Listing[] {
  const half = keys / 2
  const pages = half / PAGE_KEYS
  const pageStart = (page: number) => (page === 0 ? 'flat/' : flatKey(page * PAGE_KEYS - 1))
  // Far apart, so that none finds what the one before it left in a cache of the processor.
  const anyPage = (n: number) => pageStart((n * 7919) % pages)
  const lastPage = () => pageStart(pages - 1)
  return [
    { name: 'flat-folder-first-page', prefix: 'flat/', delimiter: '/', shown: PAGE_KEYS },
    { name: 'flat-folder-any-page', prefix: 'flat/', delimiter: '/', after: anyPage, shown: PAGE_KEYS },
    { name: 'flat-folder-last-page', prefix: 'flat/', delimiter: '/', after: lastPage, shown: PAGE_KEYS },
    { name: 'no-delimiter-any-page', after: anyPage, shown: PAGE_KEYS },
    { name: 'root-11-folders', delimiter: '/', shown: 11 },
    { name: 'level-2-100-folders', prefix: 'a3/', delimiter: '/', shown: 100 },
    { name: 'level-3-folders', prefix: 'a3/b07/', delimiter: '/', shown: Math.min(PAGE_KEYS, half / 1000) },
    { name: 'level-4-one-key', prefix: 'a3/b07/c0000/', delimiter: '/', shown: 1 },
    { name: 'across-1000-folders', prefix: 'a', delimiter: '/c', shown: PAGE_KEYS },
    { name: 'nothing-there', prefix: 'flat/x', delimiter: '/', shown: 0 },
  ]
}

/** ListObjectsV2 by one client: what a page takes is to depend on what it shows, not on what there is or where it lies. */
export function listingWorkloads(keys: number): Workload[] {
  const all = { group: 'listing', unit: 'operation', clients: 1, writes: false } as const
  return [
    ...listingsOf(keys).map((listing) => ({
      ...all,
      name: listing.name,
      plan: (bench: Bench) => planPages(bench, keys, listing),
    })),
    { ...all, name: 'flat-folder-by-token', plan: (bench) => planWalk(bench, keys) },
  ]
}

async function planPages(bench: Bench, keys: number, listing: Listing): Promise<Plan> {
  const { s3 } = bench.target
  await ensureKeys(bench, keys)
  const call = (n: number) => ({ method: 'GET', path: pathOf({ ...listing, startAfter: listing.after?.(n) }) })
  await expectShown(s3, call(1).path, listing.shown)
  return { warmUp: callers(s3, call), timed: (operations) => readyCallers(s3, call, operations) }
}

/** All pages of the folder one after the other, as a client that lists it whole asks for them. */
async function planWalk(bench: Bench, keys: number): Promise<Plan> {
  await ensureKeys(bench, keys)
  const walk: OpenClient = () => {
    let token: string | undefined
    return new HttpClient(
      bench.target.s3,
      () => signed(bench.target.s3, { method: 'GET', path: pathOf({ prefix: 'flat/', delimiter: '/', token }) }),
      (_, body) => {
        if (shownBy(body) !== PAGE_KEYS) throw new Error(`a page of ${shownBy(body)} keys`)
        token = /<NextContinuationToken>(.*?)</.exec(body.toString())?.[1]
      },
    )
  }
  return { warmUp: walk, timed: () => walk, operations: keys / 2 / PAGE_KEYS }
}

async function ensureKeys({ target, objects }: Bench, keys: number): Promise<void> {
  if (objects.has(BUCKET)) return
  if (!target.own) throw new Error('only a store that was started here can be filled behind its back')
  await callOnce(target.s3, { method: 'PUT', path: `/${BUCKET}` })
  await fillKeys(target.own.databaseUrl, BUCKET, { from: 0, to: keys / 2 })
  objects.set(BUCKET, keys)
}

/** A listing that shows too little is fast for no good reason. */
async function expectShown(s3: S3Target, path: string, shown: number): Promise<void> {
  let found: number | undefined
  const request = signed(s3, { method: 'GET', path })
  const client = new HttpClient(
    s3,
    () => request,
    (_, body) => (found = shownBy(body)),
  )
  await client.call(0).finally(() => client.close())
  if (found !== shown) throw new Error(`${path} shows ${found}, not ${shown}`)
}

const shownBy = (body: Buffer): number => Number(/<KeyCount>(\d+)</.exec(body.toString())?.[1])

interface Page {
  prefix?: string
  delimiter?: string
  startAfter?: string | undefined
  token?: string | undefined
}

function pathOf({ prefix = '', delimiter = '', startAfter, token }: Page): string {
  const query = new URLSearchParams({ 'list-type': '2', prefix, delimiter })
  if (startAfter !== undefined) query.set('start-after', startAfter)
  if (token !== undefined) query.set('continuation-token', token)
  return `/${BUCKET}?${query}`
}
