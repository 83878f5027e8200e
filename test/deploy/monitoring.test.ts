import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { dashboardQueries } from '../../scripts/dashboard/panels.ts'
import { metricTable, processTable } from '../../src/metrics/table.ts'
import { isMissing } from '../support/programs.ts'

const DIRECTORY = fileURLToPath(new URL('../../deploy/monitoring/', import.meta.url))
const read = (name: string) => readFileSync(join(DIRECTORY, name), 'utf8')
const rules = read('sextant.rules.yml')
const ruleTests = read('sextant.rules.test.yml')
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name!)

const queries = dashboardQueries('5m')

const program = (name: string, ...args: string[]) => spawnSync(name, args, { cwd: DIRECTORY, encoding: 'utf8' })

/** What a query names that looks like a metric of ours, with the endings of histograms taken off. */
function metricsIn(text: string): string[] {
  const names = text.match(/\b(?:sextant|process|nodejs)_[a-z0-9_]+/g) ?? []
  return names.map((name) => (known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')))
}

const known = new Map(metricTable.map((metric) => [metric.name, metric]))
const LABELS_OF_SCRAPES = ['job', 'instance', 'le']

t.test('monitoring: rules, their tests and the dashboard name only metrics that there are', async (t) => {
  for (const [place, text] of [
    ['rules', rules],
    ['tests of rules', ruleTests],
    ['dashboard', queries.join('\n')],
  ] as const) {
    const named = metricsIn(text)
    t.ok(named.length > 20, place)
    t.same(
      named.filter((name) => !known.has(name)),
      [],
      place,
    )
  }
})

t.test('monitoring: and only labels that those metrics have', async (t) => {
  const inRules = [...rules.matchAll(/^ +expr: (.*)$/gm)].map(([, expr]) => expr!)
  const series = [...ruleTests.matchAll(/series: '([^']*)'/g)].map(([, one]) => one!)
  t.ok(inRules.length > alerts.length && series.length > alerts.length)
  const wrong = [...inRules, ...series, ...queries].flatMap((expr) =>
    [...expr.matchAll(/\b([a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, name, matchers]) => {
      const metric = known.get(metricsIn(name!)[0] ?? '')
      if (!metric) return []
      const own = processTable.includes(metric) ? [...metric.labels, 'process'] : metric.labels
      const used = [...matchers!.matchAll(/(\w+)[=!]/g)].map(([, label]) => label!)
      return used.filter((label) => ![...own, ...LABELS_OF_SCRAPES].includes(label)).map((label) => `${name} ${label}`)
    }),
  )
  t.same(wrong, [])
})

t.test('monitoring: every alert has a test in which it fires, one in which it does not, and a paragraph', async (t) => {
  const page = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8')
  t.ok(alerts.length > 20)
  for (const alert of alerts) {
    const tested = ruleTests.split(/^ {2}- name: /m).filter((each) => each.includes(`alertname: ${alert}\n`))
    t.ok(
      tested.some((each) => /exp_alerts:\n +- exp_labels/.test(each)),
      `${alert} fires`,
    )
    t.ok(
      tested.some((each) => each.includes('exp_alerts: []')),
      `${alert} is silent`,
    )
    t.match(page, new RegExp(`^### ${alert}\n\n[^#]{60,}`, 'm'), `${alert}: what to do`)
  }
  const headings = [...page.matchAll(/^### (Sextant\w+)$/gm)].map(([, name]) => name)
  t.same(headings, alerts, 'in their order, and none that there is not')
})

t.test(
  'monitoring: promtool finds configuration and rules right, and every alert as it is tested',
  {
    skip: isMissing('promtool'),
  },
  async (t) => {
    for (const args of [
      ['check', 'config', 'prometheus.yml'],
      ['check', 'rules', 'sextant.rules.yml'],
      ['test', 'rules', 'sextant.rules.test.yml'],
    ]) {
      const { status, stdout, stderr } = program('promtool', ...args)
      t.equal(status, 0, `${args.join(' ')}: ${stdout}${stderr}`)
    }
  },
)

t.test(
  'monitoring: Prometheus understands every query of the dashboard',
  { skip: isMissing('promtool') },
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'sextant-queries-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const file = join(directory, 'rules.json')
    const asRules = queries.map((expr, index) => ({ record: `query_${index}`, expr }))
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] })) // JSON is YAML
    const { status, stdout, stderr } = program('promtool', 'check', 'rules', file)
    t.equal(status, 0, stdout + stderr)
  },
)

t.test('monitoring: amtool finds the configuration of Alertmanager right', { skip: isMissing('amtool') }, async (t) => {
  const { status, stdout, stderr } = program('amtool', 'check-config', 'alertmanager.yml')
  t.equal(status, 0, stdout + stderr)
  const routeOf = (...labels: string[]) =>
    program('amtool', 'config', 'routes', 'test', '--config.file=alertmanager.yml', ...labels).stdout.trim()
  t.equal(routeOf('alertname=SextantDataUnreadable', 'severity=critical'), 'pager')
  t.equal(routeOf('alertname=SextantRestarts', 'severity=warning'), 'tickets')
})
