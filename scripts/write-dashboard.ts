import { readFileSync, writeFileSync } from 'node:fs'
import { type Panel, type Row, rows } from './dashboard/panels.ts'

/** The variable that chooses one of Grafana's data sources. */
const SOURCE = { type: 'prometheus', uid: '$source' }
const COLUMNS = 24

/** Writes deploy/monitoring/grafana/sextant.json from scripts/dashboard; with --check, fails if it is not what it would write. */
const file = new URL('../deploy/monitoring/grafana/sextant.json', import.meta.url)
const wanted = `${JSON.stringify(dashboard(), null, 2)}\n`
if (!process.argv.includes('--check')) writeFileSync(file, wanted)
else if (readFileSync(file, 'utf8') !== wanted) {
  console.error('deploy/monitoring/grafana/sextant.json is not what scripts/dashboard says: run `npm run docs`.')
  process.exitCode = 1
}

/** https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
function dashboard() {
  return {
    uid: 'sextant',
    title: 'Sextant',
    tags: ['sextant'],
    schemaVersion: 38,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        {
          name: 'operation',
          label: 'Operation',
          type: 'query',
          datasource: SOURCE,
          query: { query: 'label_values(sextant_requests_total, operation)', refId: 'operation' },
          refresh: 2,
          sort: 1,
          includeAll: true,
          allValue: '.*',
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: place(rows),
  }
}

/** From left to right, and below each other, under the title of their row. */
function place(all: readonly Row[]): object[] {
  const placed: object[] = []
  let y = 0
  for (const { title, panels } of all) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
    })
    y += 1
    let x = 0
    for (const panel of panels) {
      const h = panel.kind === 'stat' ? 4 : 8
      placed.push({ id: placed.length + 1, ...written(panel), gridPos: { h, w: panel.width, x, y } })
      x += panel.width
      if (x + panel.width <= COLUMNS) continue
      x = 0
      y += h
    }
    if (x > 0) y += 8
  }
  return placed
}

function written({ title, kind, unit, queries, red }: Panel) {
  const targets = queries.map(([legendFormat, expr], index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: SOURCE,
    expr,
    legendFormat: legendFormat || '__auto',
    ...(kind === 'stat' && { instant: true }),
  }))
  const defaults = { unit, ...(red && { thresholds: thresholds(red) }) }
  return { type: kind, title, datasource: SOURCE, targets, fieldConfig: { defaults, overrides: [] } }
}

function thresholds(red: NonNullable<Panel['red']>) {
  const [first, second, from] = 'above' in red ? ['green', 'red', red.above] : ['red', 'green', red.below + 1e-9]
  return {
    mode: 'absolute',
    steps: [
      { color: first, value: null },
      { color: second, value: from },
    ],
  }
}
