import t from 'tap'
import { GROWTH_MIB_MAX, judgeMemory, MEMORY_MIB_MAX } from './judge.ts'

const samples = (count: number, of: (n: number) => number) => Array.from({ length: count }, (_, n) => of(n))

t.test('memory that settles, and breathes, is kept', async (t) => {
  const breathing = (n: number) => 300 - 180 * Math.exp(-n / 20) + 40 * Math.sin(n / 3)
  t.match(judgeMemory(samples(300, breathing), 60), { passed: true })
})

t.test('a leak that stays under the limit is found, and so is a peak beyond it', async (t) => {
  const leak = (n: number) => 200 + n
  t.match(judgeMemory(samples(300, leak), 60), { passed: false, growthMiB: 100, lastMiB: 450, mostMiB: 499 })
  t.match(
    judgeMemory(
      samples(300, (n) => 200 + (n * GROWTH_MIB_MAX) / 100),
      60,
    ),
    { passed: true },
  )
  t.match(judgeMemory(samples(300, leak), 5), { passed: true }, 'a heap that settles may do so')
  const peak = (n: number) => (n === 17 ? MEMORY_MIB_MAX + 1 : 200)
  t.match(judgeMemory(samples(300, peak), 1), { passed: false, mostMiB: MEMORY_MIB_MAX + 1, growthMiB: 0 })
})
