import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { drawFlameGraph } from '../../bench/profile/flame-graph.ts'
import { type CpuProfile, heaviest, mergeProfiles } from '../../bench/profile/profile-tree.ts'
import { drawLineChart } from '../../bench/report/line-chart.ts'
import { renderPage } from '../../bench/report/page.ts'
import { RESULTS } from '../../bench/report/results.ts'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })
const repository = new URL('../../', import.meta.url).href

/** root → put (10 + 20) → hash (30, in two samples); 1000 idle. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 4] },
    { id: 2, callFrame: frame('put', `${repository}src/put.ts`, 6), children: [3] },
    { id: 3, callFrame: frame('hash', 'node:crypto', 1) },
    { id: 4, callFrame: frame('(idle)') },
  ],
  samples: [2, 3, 4, 3, 2],
  timeDeltas: [10, 15, 1000, 15, 20],
}

t.test('mergeProfiles: time by stack, processes together, waiting left out', async (t) => {
  const root = mergeProfiles([profile, profile])
  t.equal(root.micros, 120)
  t.match(root.callees, [
    { name: 'put', place: 'src/put.ts:7', micros: 120, selfMicros: 60, callees: [{ name: 'hash', micros: 60 }] },
  ])
  t.same(
    heaviest(root).map(({ name, selfMicros }) => [name, selfMicros]),
    [
      ['put', 60],
      ['hash', 60],
      ['all', 0],
    ],
  )
})

t.test('drawFlameGraph: frames as wide as their share', async (t) => {
  const svg = drawFlameGraph('of <two>', mergeProfiles([profile]))
  t.match(svg, /of &lt;two>/)
  t.match(svg, /data-w="1200.00" data-name="put"/)
  t.match(svg, /data-w="600.00" data-name="hash"/)
  t.notMatch(svg, /idle|NaN/)
})

t.test('drawLineChart: one line a series, its points in place', async (t) => {
  const axis = { label: 'x', isLog: true, format: String }
  const svg = drawLineChart({
    title: 'a & b',
    x: axis,
    y: { ...axis, label: 'y', isLog: false },
    series: [
      { name: 'one', colour: 0, isDashed: false, points: [1, 10, 100].map((x) => ({ x, y: x })) },
      {
        name: 'two',
        colour: 0,
        isDashed: true,
        points: [
          { x: 1, y: 50 },
          { x: 100, y: 50 },
        ],
      },
    ],
  })
  t.match(svg, /a &amp; b/)
  t.equal(svg.match(/<polyline/g)?.length, 2)
  t.equal(svg.match(/<circle/g)?.length, 5)
  t.notMatch(svg, /NaN|Infinity|undefined/)
  const [, line] = /<polyline points="([^"]+)"/.exec(svg)!
  const [low, middle, high] = line!.split(' ').map((point) => point.split(',').map(Number))
  t.ok(Math.abs(low![0]! + high![0]! - 2 * middle![0]!) < 1, 'x is logarithmic: 10 is in the middle')
  t.ok(low![1]! > middle![1]! && middle![1]! > high![1]!, 'more is higher')
})

t.test('docs/performance.md shows what bench/results holds', async (t) => {
  const page = await readFile(fileURLToPath(new URL('../../docs/performance.md', import.meta.url)), 'utf8')
  t.equal(renderPage(page, { resultsDirectory: RESULTS }), page, 'else run `npm run bench:page`')
})
