import t from 'tap'
import { ORDER_DEFAULTS, readOrder } from '../../../src/cli/bench/order.ts'
import { runCommand } from '../../../src/cli/main.ts'

const MIB = 2 ** 20

t.test('bench: what is measured unless told otherwise, and what is told', async (t) => {
  const usual = readOrder([], ORDER_DEFAULTS)
  t.match(usual, { operations: ['put', 'get', 'head', 'list', 'delete'], sizesBytes: [4096, MIB], clients: 16 })
  t.same(usual.objectsOf(4096), { count: 1000, durationMs: 5_000 })
  t.equal(usual.objectsOf(MIB).count, 256, 'no more bytes than are soon written')
  t.equal(usual.objectsOf(1024 * MIB).count, 16, 'but one for each client')
  const told = readOrder(['mixed', 'get'], { size: '1, 5 GiB,7KiB', clients: '1000', seconds: '0.5', objects: '5' })
  t.match(told, { operations: ['mixed', 'get'], sizesBytes: [1, 5120 * MIB, 7168], clients: 1000, durationMs: 500 })
  t.same(told.objectsOf(5120 * MIB), { count: 5, durationMs: Number.POSITIVE_INFINITY })
})

t.test('bench: what cannot be is refused in a sentence', async (t) => {
  const refusals: [string[], string][] = [
    [['post'], 'There is no operation post: it must be one of put, get, head, list, delete, mixed.\n'],
    [
      ['--size', '4KB'],
      '--size must be a number of bytes (or KiB, MiB, GiB, TiB) from 1 to 5 GiB; several with commas between them.\n',
    ],
    [
      ['--size', '0'],
      '--size must be a number of bytes (or KiB, MiB, GiB, TiB) from 1 to 5 GiB; several with commas between them.\n',
    ],
    [['--clients', '1001'], '--clients must be a whole number from 1 to 1,000.\n'],
    [['--seconds', 'long'], '--seconds must be a number of seconds from 0.1 to 86,400.\n'],
    [['--objects', '0'], '--objects must be a whole number from 1 to 100,000,000.\n'],
    [['--endpoint', 'ftp://here'], '--endpoint must be the URL of an S3 endpoint, as http://127.0.0.1:9000.\n'],
  ]
  for (const [args, sentence] of refusals) {
    const said = t.capture(process.stderr, 'write', () => true)
    t.equal(await runCommand(['bench', ...args]), 2, args.join(' '))
    t.same(
      said().flatMap(({ args: [text] }) => text),
      [sentence],
    )
    said.restore()
  }
})
