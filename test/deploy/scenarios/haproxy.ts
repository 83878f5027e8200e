import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t from 'tap'
import { Balanced } from '../../support/balanced.ts'
import { GatewayProcess } from '../../support/gateway-process.ts'
import { Load } from '../../support/load.ts'
import { isMissing } from '../../support/programs.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'

const Bucket = 'behind'
const MIB = 1024 * 1024
/** As a gateway behind haproxy has them. */
const BEHIND = { SEXTANT_STOP_NOTICE_SECONDS: '5', SEXTANT_TRUSTED_PROXIES: '127.0.0.1/32' }
const MEMBER = '127.0.0.2'
const policy = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${Bucket}/*`,
      Condition: { IpAddress: { 'aws:SourceIp': `${MEMBER}/32` } },
    },
  ],
}

/** No address of haproxy's. */
const elsewhere = new Agent({ localAddress: '127.0.0.3' })

function customerKey() {
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
}

/** The status of an anonymous GET from one of this host's addresses. */
async function statusFor(url: string, { from, claims }: { from: string; claims?: string }): Promise<number> {
  const headers = claims === undefined ? {} : { 'X-Forwarded-For': claims }
  const sent = request(url, { localAddress: from, headers, agent: false }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  return answer.statusCode!
}

t.test(
  'haproxy: over two gateways all is as with one; an orderly stop fails no request, a kill none that is sent again',
  { skip: isMissing('haproxy') },
  async (t) => {
    await using store = new StoreUnderTest({ SEXTANT_DEFAULT_PUBLIC_ACCESS_BLOCK: 'false' })
    await store.start()
    await using first = await GatewayProcess.start(store, BEHIND)
    await using second = await GatewayProcess.start(store, BEHIND)
    await using front = await Balanced.start([new URL(first.endpoint).host, new URL(second.endpoint).host])
    const clientOf = (maxAttempts: number) => store.client({ endpoint: front.endpoint, maxAttempts })
    const client = clientOf(1)
    await client.send(new CreateBucketCommand({ Bucket }))

    const Key = 'odd/ä b+c%2F//d&e?'
    const small = randomBytes(100)
    const Metadata = { my_own: 'x'.repeat(1900) }
    await client.send(new PutObjectCommand({ Bucket, Key, Body: small, Metadata }))
    const odd = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=10-19' }))
    t.same(Buffer.from(await odd.Body!.transformToByteArray()), small.subarray(10, 20))
    t.same(odd.Metadata, Metadata)
    const large = randomBytes(12 * MIB)
    await new Upload({ client, params: { Bucket, Key: 'large', Body: large }, partSize: 5 * MIB }).done()
    const read = await client.send(new GetObjectCommand({ Bucket, Key: 'large' }))
    t.match(read.ETag, /-3"$/, 'in three parts')
    t.ok(large.equals(await read.Body!.transformToByteArray()))
    await t.rejects(client.send(new HeadObjectCommand({ Bucket, Key: 'none' })), { name: 'NotFound' })

    await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policy) }))
    const url = `${front.endpoint}/${Bucket}/large`
    t.equal(await statusFor(url, { from: MEMBER }), 200, 'its address is passed on')
    t.equal(await statusFor(url, { from: '127.0.0.3' }), 403)
    t.equal(await statusFor(url, { from: '127.0.0.3', claims: MEMBER }), 403, 'and no other is believed')

    const secret = customerKey()
    await client.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: small, ...secret }))
    const sealed = await client.send(new GetObjectCommand({ Bucket, Key: 'sealed', ...secret }))
    t.ok(
      small.equals(await sealed.Body!.transformToByteArray()),
      'customers’ keys are taken: haproxy says that it is TLS',
    )
    const past = store.client({ endpoint: second.endpoint, maxAttempts: 1, requestHandler: { httpAgent: elsewhere } })
    past.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: object }).headers, { 'X-Forwarded-Proto': 'https' })
        return next(args)
      },
      { step: 'build' },
    )
    const forged = past.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: small, ...secret }))
    await t.rejects(forged, { message: /secure connection/ }, 'and nobody else is believed who says so')

    const worksOn = async (load: Load) => {
      const { rounds } = load
      await eventually('requests go on', 60_000, async () => load.rounds > rounds + 10)
    }
    const orderly = new Load({ client, Bucket, users: 6 })
    await worksOn(orderly)
    for (const gateway of [first, second]) {
      t.match(await gateway.stop('SIGTERM'), { code: 0, signal: null })
      await front.uses([gateway === first ? 'gateway2' : 'gateway1'])
      await worksOn(orderly)
      await gateway.start()
      await front.uses(['gateway1', 'gateway2'])
      await worksOn(orderly)
    }
    await orderly.stop()
    t.same(orderly.failures, [], `no request of ${4 * orderly.rounds} failed, each sent once`)

    const rough = new Load({ client: clientOf(3), Bucket, users: 6 })
    await worksOn(rough)
    await first.stop('SIGKILL')
    await worksOn(rough)
    await rough.stop()
    t.same(rough.failures, [], `no request of ${4 * rough.rounds} failed, sent again where its gateway died`)
  },
)
