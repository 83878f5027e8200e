import { deadline } from '../../../base/deadline.ts'
import { limits } from '../../../base/limits.ts'
import { messageOf } from '../../failure.ts'
import { askHttp } from '../ask-http.ts'
import { type Check, type Finding, failure, ok, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

const WARN_MS = 1_000
const ASK_MS_MAX = 5_000
/** HTTP tells the second alone. */
const HTTP_SLACK_MS = 500

/** What another clock showed when ours showed `askedMs`, give or take `slackMs`. */
interface Reading {
  whose: string
  nowMs: number
  askedMs: number
  slackMs: number
}

/** This host's clock against those of PostgreSQL, of storage nodes, and of the gateways that were named. */
export const clocks: Check = {
  name: 'clocks',
  async run(context) {
    const { clock } = context
    using late = deadline(clock, ASK_MS_MAX)
    const gateways = await Promise.all(context.gateways.map((url) => readGateway(url, context, late.signal)))
    const readings = [...(await readDatabase(context)), ...(await readNodes(context))]
    const findings = [...readings.map(judge), ...gateways]
    const differing = findings.filter(({ level }) => level !== 'ok')
    if (differing.length > 0) return differing
    if (findings.length === 0) return skipped('there is no other clock to compare with')
    return ok(`${findings.length} other ${findings.length === 1 ? 'clock shows' : 'clocks show'} the same time`)
  },
}

function judge({ whose, nowMs, askedMs, slackMs }: Reading): Finding {
  const aheadMs = nowMs - askedMs
  const surelyMs = Math.abs(aheadMs) - slackMs
  if (surelyMs < WARN_MS) return ok(`${whose} shows the same time`)
  const by = `${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
  const what = `The clock of ${whose} is ${by} this host's`
  if (surelyMs < limits.clockSkewMsMax) return warning(`${what}: keep both by NTP.`)
  return failure(`${what}, and S3 refuses signatures that are 15 min off: set the clock, and keep it by NTP.`)
}

async function readDatabase({ database }: DoctorContext): Promise<Reading[]> {
  const asked = await database()
  return asked.is === 'there' ? [{ whose: 'PostgreSQL', ...asked.value.clock }] : []
}

async function readNodes({ answers }: DoctorContext): Promise<Reading[]> {
  const asked = await answers()
  if (asked.is !== 'there') return []
  return asked.value.flatMap(({ server, stat }) => {
    if (stat?.nowMs === undefined) return []
    return { whose: `storage server ${server.number}`, nowMs: stat.nowMs, askedMs: stat.askedMs, slackMs: stat.slackMs }
  })
}

async function readGateway(url: string, { clock }: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const beforeMs = clock.nowMs()
  try {
    const { dateMs } = await askHttp(new URL('/health', url).href, signal)
    if (dateMs === undefined) return warning(`${url} does not tell its time: is it a gateway?`)
    const halfMs = (clock.nowMs() - beforeMs) / 2
    const reading = { nowMs: dateMs + HTTP_SLACK_MS, askedMs: beforeMs + halfMs, slackMs: halfMs + HTTP_SLACK_MS }
    return judge({ whose: url, ...reading })
  } catch (error) {
    return failure(`${url} does not answer: ${messageOf(error)} Is that gateway running, and reached from here?`)
  }
}
