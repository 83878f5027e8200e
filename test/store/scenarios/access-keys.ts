import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { GatewayProcess } from '../../support/gateway-process.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

/** Long, so that it is the notice and not the end of the cache's time that is seen; and every gateway has the key cached. */
const CACHED = { SEXTANT_KEY_CACHE_SECONDS: '3600' }
const HEARD_MS_MAX = 60_000

t.test('access keys: what the command line changes, all running gateways heed at once', async (t) => {
  await using store = new StoreUnderTest(CACHED)
  await store.start()
  await using second = await GatewayProcess.start(store, { ...CACHED, SEXTANT_TRUSTED_PROXIES: '127.0.0.1' })
  const endpoints = [store.announced.endpoint, second.endpoint]
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await sextant(store.directory, args).ended
    if (code !== 0) throw new Error(stderr)
    return stdout
  }
  const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'))
  const policy = join(store.directory, 'policy.json')
  writeFileSync(
    policy,
    JSON.stringify({ Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }] }),
  )
  const root = store.client()
  t.teardown(() => root.destroy())
  await root.send(new CreateBucketCommand({ Bucket: 'photos' }))

  const made = await json('key', 'create', '--account', 'root', '--expires', '30d')
  const id: string = made.accessKeyId
  t.ok(Date.parse(made.expiresAt) > Date.now() + 29 * 86_400_000)
  const clients = (secretAccessKey: string) =>
    endpoints.map((endpoint) => {
      const client = store.client({ endpoint, credentials: { accessKeyId: id, secretAccessKey }, maxAttempts: 1 })
      t.teardown(() => client.destroy())
      return client
    })
  const list = (client: S3Client) =>
    client.send(new ListBucketsCommand({})).then(
      () => 'done',
      (error) => error.name as string,
    )
  const write = (client: S3Client) =>
    client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a', Body: 'a' })).then(
      () => 'done',
      (error) => error.name as string,
    )
  const all = async (what: string, outcome: string, of: readonly S3Client[], ask = list) =>
    await eventually(what, HEARD_MS_MAX, async () => (await Promise.all(of.map(ask))).every((one) => one === outcome))
  const first = clients(made.secretAccessKey)
  await all('it works', 'done', first)

  await run('key', 'disable', id)
  await all('a disabled key is unknown', 'InvalidAccessKeyId', first)
  await run('key', 'enable', id)
  await all('an enabled key works', 'done', first, write)
  await run('key', 'set-policy', id, '--policy', policy)
  await all('its policy bounds it', 'AccessDenied', first, write)
  t.same(await Promise.all(first.map(list)), ['done', 'done'])

  await run('key', 'allow', id, '192.0.2.0/24', '2001:db8::/32')
  await all('it may be used from there alone', 'AccessDenied', first)
  for (const client of first)
    client.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: object }).headers, { 'x-forwarded-for': '192.0.2.7' })
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
  t.same(await Promise.all(first.map(list)), ['AccessDenied', 'done'], 'one gateway trusts the proxy that says so')
  t.match(await sextant(store.directory, ['key', 'allow', id, '10.0.0.0/33']).ended, { code: 1, stderr: /CIDR/ })
  await run('key', 'allow', id, '--anywhere')
  await all('it may be used from anywhere', 'done', first)

  const rotated = await json('key', 'rotate', id, '--grace', '1h')
  const next = clients(rotated.secretAccessKey)
  await all('the new secret works', 'done', next)
  t.same(await Promise.all(first.map(list)), ['done', 'done'], 'and so does the old one, for the time of its grace')
  await run('key', 'rotate', id, '--grace', '0s')
  await all('a secret without grace is gone', 'SignatureDoesNotMatch', next)
  t.same(await Promise.all(first.map(list)), ['SignatureDoesNotMatch', 'SignatureDoesNotMatch'])

  await run('key', 'expire', id, 'now')
  await all('an expired key', 'ExpiredToken', next)
  t.match(await run('key', 'list'), new RegExp(`${id} +root +expired`))
  await run('key', 'delete', id)
  await all('a deleted key is unknown', 'InvalidAccessKeyId', next)

  const used = async () => (await json('key', 'show', rootId)).lastUsedAt
  const { accessKeyId: rootId } = store.announced
  await eventually('when a key was used is told', HEARD_MS_MAX, async () => (await used()) !== null)
})
