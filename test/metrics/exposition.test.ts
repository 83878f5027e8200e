import t from 'tap'
import { writeExposition } from '../../src/metrics/exposition.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import { type Family, family, type Metric } from '../../src/metrics/metric.ts'
import { requestMetrics } from '../../src/metrics/request-metrics.ts'
import { metricTable, processTable, storeTable } from '../../src/metrics/table.ts'
import { isMissing } from '../support/programs.ts'
import { parseMetrics, promtoolOnMetrics, sumOf } from '../support/scrape.ts'

/** Each with one sample. */
function familiesOf(table: readonly Metric[]): Family[] {
  const distribution = ({ bounds }: Metric) => ({ counts: [...bounds.map(() => 1), 2], sum: 12.5 })
  return table.map((metric) =>
    family(metric, [
      [metric.labels.map((name) => `a ${name}`), metric.type === 'histogram' ? distribution(metric) : 7],
    ]),
  )
}

t.test('exposition: buckets are cumulative, and what is beyond them all is in +Inf', async (t) => {
  const seconds = new Histogram([0.001, 0.1])
  for (const value of [0, 0.001, 0.002, 0.1, 5]) seconds.observe(value)
  const metric = requestMetrics.seconds
  const counted = { counts: [2, 2, ...metric.bounds.slice(2).map(() => 0), 1], sum: 5.103 }
  t.same(seconds.read(), { counts: [2, 2, 1], sum: 5.103 })
  const text = writeExposition([{ labels: {}, families: [family(metric, [[['GetObject'], counted]])] }])
  const samples = parseMetrics(text)
  const of = (le: string) => sumOf(samples, 'sextant_request_seconds_bucket', { operation: 'GetObject', le })
  t.same([of('0.0005'), of('0.001'), of('60'), of('+Inf')], [2, 4, 4, 5])
  t.equal(sumOf(samples, 'sextant_request_seconds_count'), 5)
  t.equal(sumOf(samples, 'sextant_request_seconds_sum'), 5.103)
})

t.test('exposition: a metric of several processes stands in one piece; labels are escaped', async (t) => {
  const families = [family(requestMetrics.requests, [[['a"\\\nb', '2xx'], 1]])]
  const text = writeExposition([
    { labels: { process: 'one' }, families },
    { labels: { process: 'two' }, families },
  ])
  t.equal(text.match(/^# HELP/gm)?.length, 1)
  t.match(text, /^# HELP sextant_requests_total .*\n# TYPE sextant_requests_total counter\n.*process="one".*\n.*two/)
  t.same(parseMetrics(text)[0], {
    name: 'sextant_requests_total',
    labels: { process: 'one', operation: 'a"\\\nb', status: '2xx' },
    value: 1,
  })
})

t.test('exposition: what nothing is known of is left out, and what the table does not have', async (t) => {
  const families = [family(requestMetrics.requests, []), { metric: 'of_another_version', samples: [] }]
  t.equal(writeExposition([{ labels: {}, families }]), '\n')
})

t.test('metrics: each has a name of its own, by the rules for names', async (t) => {
  const names = metricTable.map(({ name }) => name)
  t.same(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
  for (const { name, type, labels, bounds, about } of metricTable) {
    t.match(name, /^(sextant|process|nodejs)_[a-z0-9_]+$/)
    t.equal(name.endsWith('_total'), type === 'counter', name)
    t.equal(bounds.length > 0, type === 'histogram', name)
    t.same(
      bounds,
      [...bounds].sort((a, b) => a - b),
      name,
    )
    // The first two are the text format's, the others every scrape's.
    t.same(
      labels.filter((label) => ['le', 'quantile', 'job', 'instance'].includes(label)),
      [],
      name,
    )
    t.match(about, /\.|…$/, name)
  }
})

t.test(
  'metrics: only those of the whole store may name processes: /metrics adds that label to the others',
  async (t) => {
    t.same(
      processTable.filter(({ labels }) => labels.includes('process')),
      [],
    )
  },
)

t.test('exposition: Prometheus has nothing to say against any metric', { skip: isMissing('promtool') }, async (t) => {
  const text = writeExposition([
    { labels: {}, families: familiesOf(storeTable) },
    { labels: { process: 'a' }, families: familiesOf(processTable) },
  ])
  t.equal(text.match(/^# TYPE/gm)?.length, metricTable.length)
  t.same(promtoolOnMetrics(text), { status: 0, said: '' })
})
