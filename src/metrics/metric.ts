/** What is measured: a row of the table that /metrics, docs/metrics.md and the tests of deploy/monitoring read. */
export interface Metric {
  readonly name: string
  readonly group: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Few values each, never a key, a bucket or a client: every combination is a time series that Prometheus keeps. */
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets, ascending, without infinity. */
  readonly bounds: readonly number[]
  readonly about: string
}

interface Row {
  name: string
  labels?: readonly string[]
  about: string
}

/** Definitions under one heading of the docs. */
export function inGroup(group: string) {
  return {
    counter: (row: Row): Metric => ({ labels: [], bounds: [], ...row, group, type: 'counter' }),
    gauge: (row: Row): Metric => ({ labels: [], bounds: [], ...row, group, type: 'gauge' }),
    histogram: (row: Row & { bounds: readonly number[] }): Metric => ({ labels: [], ...row, group, type: 'histogram' }),
  }
}

/** One metric and what it is worth now. Plain data: it also travels between the processes of a store, as JSON. */
export interface Family {
  metric: string
  samples: Sample[]
}

export interface Sample {
  /** In the order of the metric's labels. */
  labels: readonly string[]
  value: number | Distribution
}

/** What a histogram has counted. */
export interface Distribution {
  /** One more than there are bounds: the last is of what is beyond them all. Not cumulative. */
  counts: readonly number[]
  sum: number
}

export function family(metric: Metric, samples: Iterable<readonly [readonly string[], number | Distribution]>): Family {
  return { metric: metric.name, samples: Array.from(samples, ([labels, value]) => ({ labels, value })) }
}

/** Of a metric without labels. */
export function single(metric: Metric, value: number | Distribution): Family {
  return { metric: metric.name, samples: [{ labels: [], value }] }
}
