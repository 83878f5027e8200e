import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { PartId, ServerId, ServerNumber } from '../src/base/ids.ts'
import { DATA_CHUNKS } from '../src/base/limits.ts'
import { buildRing, loadRingHash, placePart, virtualNodePoints } from '../src/placement/ring.ts'
import { type Failures, partLossRate, storeLossRate } from './durability/model.ts'

/** Prints the table of docs/durability.md, or one for other assumptions. Parts are placed by the store's own ring. */
const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '4,6,7,8,12,24' },
    parity: { type: 'string', default: '2' },
    /** Of 100 servers, so many are lost for good in a year. */
    lost: { type: 'string', default: '4' },
    /** What lies on a server, in TB. */
    terabytes: { type: 'string', default: '1,4' },
    /** SEXTANT_REPAIR_BYTES_PER_SECOND, in MiB. */
    repair: { type: 'string', default: '128,1024' },
    /** SEXTANT_REPAIR_GRACE_SECONDS, and what it takes to notice. */
    grace: { type: 'string', default: '660' },
  },
})
const SAMPLE = 1000
const SECONDS_A_YEAR = 365.25 * 86_400
const parity = Number(values.parity)
const chunks = DATA_CHUNKS + parity

await loadRingHash()
console.log(
  '| servers | TB on each | repair, MiB/s | made good within | a given part is lost, a year | any part is, a year |',
)
console.log(
  '| ------- | ---------- | ------------- | ---------------- | ---------------------------- | ------------------- |',
)
for (const servers of numbersOf(values.servers)) {
  const placed = placements(servers)
  for (const [index, terabytes] of numbersOf(values.terabytes).entries()) {
    const repair = numbersOf(values.repair)[index] ?? numbersOf(values.repair)[0]!
    const repairSeconds = Number(values.grace) + ((DATA_CHUNKS + 1) * terabytes * 1e12) / (repair * 2 ** 20)
    const failures: Failures = { ratePerYear: Number(values.lost) / 100, repairYears: repairSeconds / SECONDS_A_YEAR }
    const part = placed.reduce((sum, held) => sum + partLossRate(held, parity, failures), 0) / SAMPLE
    const store = storeLossRate(servers, chunks, parity, failures)
    const hours = (repairSeconds / 3600).toFixed(1)
    console.log(`| ${servers} | ${terabytes} | ${repair} | ${hours} h | ${chanceOf(part)} | ${chanceOf(store)} |`)
  }
}

/** How many chunks of each of many parts each server gets. */
function placements(servers: number): number[][] {
  const members = Array.from({ length: servers }, (_, index) => ({
    number: (index + 1) as ServerNumber,
    zone: '',
    points: virtualNodePoints(uuid(`server ${index}`) as ServerId),
  }))
  const ring = buildRing(members)
  return Array.from({ length: SAMPLE }, (_, index) => {
    const held = Array.from({ length: servers }, () => 0)
    for (const server of placePart(ring, uuid(`part ${index}`) as PartId, chunks, () => true)) held[server - 1]! += 1
    return held
  })
}

function uuid(seed: string): string {
  return createHash('md5')
    .update(seed)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function numbersOf(list: string): number[] {
  return list.split(',').map(Number)
}

/** Of a rate a year. */
function chanceOf(rate: number): string {
  return (-Math.expm1(-rate))
    .toExponential(0)
    .replace(/^(\d)e-(\d+)$/, '$1 · 10⁻$2')
    .replace(/⁻(\d+)$/, (_, digits) => `⁻${superscript(digits)}`)
}

function superscript(digits: string): string {
  return [...digits].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')
}
