import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { DropPace } from '../../src/s3api/http/drop-pace.ts'

const KIB = 1024
/** Ten reads of 64 KiB each 10 ms. */
const BYTES_PER_SECOND = 64_000 * KIB

function pacedByHand() {
  const due: (() => void)[] = []
  const clock = { after: (_ms: number, run: () => void) => void due.push(run) } as unknown as Clock
  const tick = () => {
    for (const run of due.splice(0)) run()
  }
  return { pace: new DropPace(clock, BYTES_PER_SECOND), tick }
}

t.test('bodies that nobody wants are read so fast, all together, and each in its turn', async (t) => {
  const { pace, tick } = pacedByHand()
  const admitted: number[] = []
  for (let n = 0; n < 30; n++) pace.next(() => admitted.push(n))
  t.equal(admitted.length, 10)
  tick()
  t.equal(admitted.length, 20)
  tick()
  t.same(admitted, [...Array(30).keys()])
})

t.test('a slow body pays for what came of it, no more', async (t) => {
  const { pace } = pacedByHand()
  let pieces = 0
  const one = () => {
    pieces += 1
    pace.came(KIB)
    if (pieces < 1000) pace.next(one)
  }
  pace.next(one)
  t.ok(pieces > 500, `${pieces} of 1 KiB in a tick of 640 KiB`)
})
