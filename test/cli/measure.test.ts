import t from 'tap'
import { measureGateways, quantileMs, readStore } from '../../src/cli/top/measure.ts'
import { readSamples } from '../../src/cli/top/samples.ts'

const buckets = (process: string, operation: string, counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([le, n]) => `sextant_request_seconds_bucket{process="${process}",operation="${operation}",le="${le}"} ${n}`)
    .join('\n')

const BEFORE = `# HELP x y
sextant_uploads_active{process="gateway-1"} 1
sextant_uploads_active{process="gateway-2"} 0
sextant_requests_total{process="gateway-1",operation="GetObject",status="2xx"} 100
sextant_requests_total{process="gateway-2",operation="GetObject",status="2xx"} 900
${buckets('gateway-1', 'GetObject', { '0.01': 100, '0.1': 100, '+Inf': 100 })}
`
const AFTER = `sextant_uploads_active{process="gateway-1"} 1
sextant_uploads_active{process="gateway-2"} 0
sextant_requests_active{process="gateway-1",operation="PutObject"} 3
sextant_requests_total{process="gateway-1",operation="GetObject",status="2xx"} 110
sextant_requests_total{process="gateway-1",operation="GetObject",status="4xx"} 10
sextant_requests_total{process="gateway-1",operation="Health",status="2xx"} 500
sextant_request_errors_total{process="gateway-1",operation="GetObject",code="NoSuchKey"} 10
sextant_sent_bytes_total{process="gateway-1",operation="GetObject"} 4096
sextant_requests_total{process="gateway-2",operation="GetObject",status="2xx"} 8
${buckets('gateway-1', 'GetObject', { '0.01': 110, '0.1': 120, '+Inf': 120 })}
`

t.test('top: rates, errors, quantiles and what is under way, by gateway and operation', async (t) => {
  const look = (atMs: number, page: string) => ({ atMs, samples: readSamples(page) })
  const [one, two] = measureGateways(look(0, BEFORE), look(2_000, AFTER))
  t.match(one, { gateway: 'gateway-1', requestsPerSecond: 10, errorsPerSecond: 5, sentPerSecond: 2048, active: 3 })
  t.equal(one!.p50Ms, 10)
  t.ok(Math.abs(one!.p99Ms! - 98.2) < 0.01)
  t.match(one!.operations, [{ operation: 'GetObject' }, { operation: 'PutObject', p50Ms: null, active: 3 }])
  t.match(two, { gateway: 'gateway-2', requestsPerSecond: 4 }, 'one that was started anew counts from 0')
})

t.test('top: quantiles beyond the last bound, and of nothing', async (t) => {
  const samples = readSamples(buckets('g', 'x', { '0.5': 0, '+Inf': 10 }))
  t.equal(quantileMs(samples, 0.5), 500)
  t.equal(quantileMs([], 0.5), null)
})

t.test('top: servers, queues and safety; what is not known is not made up', async (t) => {
  const page = `sextant_server_status{server="2",status="up"} 1
sextant_server_status{server="1",status="failed"} 1
sextant_server_available_bytes{server="2"} 5
sextant_server_heartbeat_age_seconds{server="2"} 3.5
sextant_fault_tolerance 1
sextant_parts_at_risk{missing="1"} 3
sextant_parts_at_risk{missing="2"} 4
sextant_doomed_parts 9
sextant_disk_errors_total{process="node-1",work="put",failure="failed"} 2
sextant_disk_errors_total{process="node-2",work="put",failure="failed"} 0
sextant_process_up{process="node-3"} 0
`
  t.match(readStore({ samples: readSamples(page) }), {
    faultTolerance: 1,
    partsAtRisk: 7,
    doomedParts: 9,
    servers: [
      { server: 1, status: 'failed' },
      { server: 2, status: 'up', availableBytes: 5, heartbeatSecondsAgo: 3.5 },
    ],
    diskErrors: { 'node-1': 2 },
    silent: ['node-3'],
  })
  t.equal(readStore({ samples: [] }).faultTolerance, null)
})
