/** One picture of the dashboard, in Grafana's words. */
export interface Panel {
  title: string
  kind: 'timeseries' | 'stat'
  /** Of 24 columns. */
  width: number
  /** Grafana's name of a unit: s, Bps, bytes, percentunit, short, reqps. */
  unit: string
  queries: readonly (readonly [legend: string, expr: string])[]
  /** Of a stat: from this value on it is red. `below`: up to it. */
  red?: { above: number } | { below: number }
}

export interface Row {
  title: string
  panels: readonly Panel[]
}

type Queries = Panel['queries']
const graph = (title: string, unit: string, queries: Queries): Panel => ({
  title,
  kind: 'timeseries',
  width: 8,
  unit,
  queries,
})
const stat = (title: string, unit: string, expr: string, red: NonNullable<Panel['red']>): Panel => ({
  title,
  kind: 'stat',
  width: 4,
  unit,
  queries: [['', expr]],
  red,
})

const RATE = '[$__rate_interval]'
const quantiles = (metric: string): Queries =>
  ['0.5', '0.95', '0.99'].map((q) => [
    `p${Number(q) * 100} {{operation}}`,
    `histogram_quantile(${q}, sum by (operation, le) (rate(${metric}_bucket{operation=~"$operation"}${RATE})))`,
  ])

/** What an operator looks at, from the top: is the data safe, is anybody not served, and then why. */
export const rows: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      stat('Further losses survived', 'short', 'max(sextant_fault_tolerance)', { below: 0 }),
      stat('Parts waiting for repair', 'short', 'sum(max by (missing) (sextant_parts_at_risk))', { above: 1 }),
      stat(
        'Silent or failed servers',
        'short',
        'count(max by (server) (sextant_server_heartbeat_age_seconds) > 60 or max by (server) (sextant_server_status{status="failed"})) or vector(0)',
        { above: 1 },
      ),
      stat('Requests that fail', 'percentunit', 'sextant:server_errors:ratio5m or vector(0)', { above: 0.01 }),
      stat(
        'Least room on a server',
        'percentunit',
        'min(max by (server) (sextant_server_available_bytes) / max by (server) (sextant_server_capacity_bytes))',
        { below: 0.1 },
      ),
      stat('Processes that do not answer', 'short', 'count(sextant_process_up == 0) or vector(0)', { above: 1 }),
    ],
  },
  {
    title: 'Requests',
    panels: [
      graph('Requests', 'reqps', [
        ['{{operation}}', `sum by (operation) (rate(sextant_requests_total{operation=~"$operation"}${RATE}))`],
      ]),
      graph('Errors by code', 'reqps', [
        ['{{code}}', `sum by (code) (rate(sextant_request_errors_total{operation=~"$operation"}${RATE}))`],
      ]),
      graph('Turned away', 'reqps', [['{{reason}}', `sum by (reason) (rate(sextant_rejected_requests_total${RATE}))`]]),
      graph('Latency', 's', quantiles('sextant_request_seconds')),
      graph('Time to first byte', 's', quantiles('sextant_first_byte_seconds')),
      graph('Under way', 'short', [
        ['uploads', 'sum(sextant_uploads_active)'],
        ['downloads', 'sum(sextant_downloads_active)'],
        ['all', 'sum(sextant_requests_active) or vector(0)'],
      ]),
      graph('Bytes', 'Bps', [
        ['in', `sum(rate(sextant_received_bytes_total${RATE}))`],
        ['out', `sum(rate(sextant_sent_bytes_total${RATE}))`],
      ]),
      graph('Memory for what is under way', 'bytes', [
        ['{{process}} {{use}}', 'sum by (process, use) (sextant_stripe_pool_bytes)'],
        ['{{process}} at most', 'sum by (process) (sextant_stripe_pool_bytes_max)'],
      ]),
      graph('Hedged reads', 'short', [['{{outcome}}', `sum by (outcome) (rate(sextant_hedged_stripes_total${RATE}))`]]),
    ],
  },
  {
    title: 'Safety',
    panels: [
      graph('Parts by further losses survived', 'short', [['{{tolerance}}', 'max by (tolerance) (sextant_parts)']]),
      graph('At risk, by chunks missing', 'short', [
        ['{{missing}} missing', 'max by (missing) (sextant_parts_at_risk)'],
        ['without spare', 'max(sextant_parts_without_spare)'],
        ['unreadable', 'max(sextant_parts_unreadable)'],
      ]),
      graph('Repair', 'bytes', [
        ['to make anew', 'max(sextant_repair_bytes)'],
        ['to move', 'max(sextant_move_bytes)'],
      ]),
      graph('Rot found', 'short', [
        ['by reads on {{server}}', 'sum by (server) (increase(sextant_damaged_chunks_total[1h]))'],
        ['by scrub, {{pass}} pass', 'max by (pass) (sextant_scrub_damaged_chunks)'],
      ]),
      graph('Waiting', 'short', [
        ['to be deleted', 'max(sextant_doomed_parts)'],
        ['stray chunks', 'max(sextant_stray_chunks)'],
        ['to be moved', 'max(sextant_parts_to_move)'],
        ['notifications', 'max(sextant_events_waiting)'],
      ]),
      graph('Oldest that waits', 's', [
        ['repair', 'max(sextant_repair_oldest_seconds)'],
        ['deletion', 'max(sextant_doomed_oldest_seconds)'],
        ['notification', 'max(sextant_events_oldest_seconds)'],
        ['since the last scrub', 'time() - max(sextant_scrub_last_end_timestamp_seconds)'],
      ]),
    ],
  },
  {
    title: 'Storage servers',
    panels: [
      graph('Room left', 'bytes', [['{{server}}', 'max by (server) (sextant_server_available_bytes)']]),
      graph('Chunks', 'short', [['{{server}}', 'max by (server) (sextant_server_chunks)']]),
      graph('Since the last heartbeat', 's', [
        ['{{server}}', 'max by (server) (sextant_server_heartbeat_age_seconds)'],
      ]),
      graph('gRPC calls, p99', 's', [
        [
          '{{server}} {{call}}',
          `histogram_quantile(0.99, sum by (server, call, le) (rate(sextant_node_call_seconds_bucket${RATE})))`,
        ],
      ]),
      graph('gRPC calls that fail', 'reqps', [
        ['{{server}} {{failure}}', `sum by (server, failure) (rate(sextant_node_call_failures_total${RATE}))`],
      ]),
      graph('Disk, p99', 's', [
        [
          '{{process}} {{work}}',
          `histogram_quantile(0.99, sum by (process, work, le) (rate(sextant_disk_seconds_bucket${RATE})))`,
        ],
      ]),
      graph('Disk errors', 'short', [
        ['{{process}} {{failure}}', 'sum by (process, failure) (increase(sextant_disk_errors_total[1h]))'],
      ]),
      graph('Bytes of chunks', 'Bps', [
        ['{{process}} written', `sum by (process) (rate(sextant_disk_written_bytes_total${RATE}))`],
        ['{{process}} read', `sum by (process) (rate(sextant_disk_read_bytes_total${RATE}))`],
      ]),
      graph('Stored', 'bytes', [['{{process}}', 'sum by (process) (sextant_disk_stored_bytes)']]),
    ],
  },
  {
    title: 'PostgreSQL',
    panels: [
      graph('Connections', 'short', [
        ['{{state}}', 'max by (state) (sextant_postgres_connections)'],
        ['at most', 'max(sextant_postgres_connections_max)'],
      ]),
      graph('Transactions', 'reqps', [
        ['{{outcome}}', `max by (outcome) (rate(sextant_postgres_transactions_total${RATE}))`],
      ]),
      graph('Calls that wait for a connection', 'short', [
        ['{{process}} {{pool}}', 'sum by (process, pool) (sextant_database_waiting)'],
      ]),
      graph('Statements, p99', 's', [
        ['{{pool}}', `histogram_quantile(0.99, sum by (pool, le) (rate(sextant_statement_seconds_bucket${RATE})))`],
      ]),
      graph('Mean time of the ten most costly statements', 's', [
        [
          '{{statement}}',
          `topk(10, sum by (statement) (rate(sextant_statement_time_seconds_total${RATE}))) / on (statement) sum by (statement) (rate(sextant_statements_total${RATE}))`,
        ],
      ]),
      graph('Replication lag', 's', [['{{standby}}', 'max by (standby) (sextant_postgres_replication_lag_seconds)']]),
      graph('Largest tables', 'bytes', [['{{table}}', 'topk(10, max by (table) (sextant_postgres_table_bytes))']]),
      graph('Largest indexes', 'bytes', [['{{table}}', 'topk(10, max by (table) (sextant_postgres_index_bytes))']]),
      graph('Dead rows', 'short', [['{{table}}', 'topk(10, max by (table) (sextant_postgres_table_dead_rows))']]),
    ],
  },
  {
    title: 'Processes',
    panels: [
      graph('CPU', 'percentunit', [
        ['{{instance}} {{process}}', `sum by (instance, process) (rate(process_cpu_seconds_total${RATE}))`],
      ]),
      graph('Memory', 'bytes', [
        ['{{instance}} {{process}}', 'sum by (instance, process) (process_resident_memory_bytes)'],
      ]),
      graph('Event loop busy', 'percentunit', [
        ['{{instance}} {{process}}', `sum by (instance, process) (rate(nodejs_eventloop_busy_seconds_total${RATE}))`],
      ]),
      graph('Event loop lag, p99', 's', [
        ['{{instance}} {{process}}', 'max by (instance, process) (nodejs_eventloop_lag_p99_seconds)'],
      ]),
      graph('Heap', 'bytes', [
        ['{{instance}} {{process}}', 'sum by (instance, process) (nodejs_heap_size_used_bytes)'],
      ]),
      graph('Open files', 'short', [['{{instance}} {{process}}', 'sum by (instance, process) (process_open_fds)']]),
    ],
  },
]

/** All that the dashboard asks, as Prometheus understands it. */
export function dashboardQueries(rateInterval: string): string[] {
  const queries = rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(([, expr]) => expr)))
  return queries.map((expr) => expr.replaceAll('$__rate_interval', rateInterval).replaceAll('$operation', '.*'))
}
