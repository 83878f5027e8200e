import { CreateBucketCommand, HeadBucketCommand, type S3ServiceException } from '@aws-sdk/client-s3'
import t from 'tap'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const Bucket = 'limited'
const PER_SECOND = 20
const CLIENTS = 8
const MEASURED_MS = 4_000

t.test('limits: one key’s, over connections to several workers: kept by all of them together', async (t) => {
  await using store = new StoreUnderTest({ SEXTANT_WORKERS: '3', SEXTANT_NODES: '1', SEXTANT_PARITY: '0' })
  await store.start()
  const clients = Array.from({ length: CLIENTS }, () => store.client({ maxAttempts: 1 }))
  t.teardown(() => {
    for (const client of clients) client.destroy()
  })
  await clients[0]!.send(new CreateBucketCommand({ Bucket }))
  const refusals = new Set<number | undefined>()
  const head = (client: (typeof clients)[0]) =>
    client.send(new HeadBucketCommand({ Bucket })).then(
      () => true,
      (error: S3ServiceException) => {
        refusals.add(error.$metadata.httpStatusCode)
        return false
      },
    )
  const limited = sextant(store.directory, [
    'key',
    'limit',
    store.announced.accessKeyId,
    '--requests',
    String(PER_SECOND),
  ])
  t.match(await limited.ended, { code: 0 })
  await eventually('all workers heed it', 60_000, async () => {
    const outcomes = await Promise.all(clients.flatMap((client) => [head(client), head(client), head(client)]))
    return outcomes.some((isDone) => !isDone)
  })
  refusals.clear()
  let done = 0
  const startedMs = performance.now()
  const use = async (client: (typeof clients)[0]) => {
    while (performance.now() - startedMs < MEASURED_MS) if (await head(client)) done++
  }
  await Promise.all(clients.map(use))
  const seconds = (performance.now() - startedMs) / 1000
  const rate = done / seconds
  t.comment(`${rate.toFixed(1)} a second`)
  // Three workers that knew nothing of each other would let 60 through.
  t.ok(rate < 1.7 * PER_SECOND, `${rate} a second are not many more than ${PER_SECOND}`)
  t.ok(done > 0)
  t.same([...refusals], [503])
})
