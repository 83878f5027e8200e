import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import type { ResourceKind } from '../../src/s3api/operation.ts'
import { operations } from '../../src/s3api/operations/table.ts'
import { subresources } from '../../src/s3api/subresources.ts'
import { startS3 } from '../support/s3-server.ts'

/** Sub-resources that no operation on such a resource knows. */
function undone(on: ResourceKind): string[] {
  const known = operations
    .filter(({ route }) => route.on === on)
    .flatMap(({ route, request }) => [
      ...(route.query ?? []).map((each) => each.split('=')[0]!),
      ...Object.values(request).map(({ name }) => name),
    ])
  return [...subresources].filter((name) => !known.includes(name))
}

t.test('what is not done is refused with 501, never passed over', async (t) => {
  await using s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'x' }))
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const connection = await s3.raw()
    connection.send(
      s3.head(method, path, method === 'PUT' || method === 'POST' ? { 'Content-Length': '0', ...headers } : headers),
    )
    const answer = await connection.answer({ isHead: method === 'HEAD' })
    connection.socket.destroy()
    return answer
  }
  for (const name of undone('bucket')) {
    const answer = await ask('GET', `/bucket?${name}`)
    t.equal(answer.status, 501, name)
    t.match(answer.body, '<Code>NotImplemented</Code>')
  }
  t.ok(undone('object').includes('torrent'))
  for (const name of undone('object')) {
    t.equal((await ask('GET', `/bucket/key?${name}`)).status, 501, name)
    t.equal((await ask('PUT', `/bucket/key?${name}=`)).status, 501, name)
  }
  const refused: [string, string][] = [['x-amz-write-offset-bytes', '5']]
  for (const [name, value] of refused) {
    t.equal((await ask('PUT', '/bucket/new', { [name]: value })).status, 501, name)
  }
  t.equal((await ask('PUT', '/bucket/new', { 'If-None-Match': '"x"' })).status, 501)
  t.strictSame([...s3.engine.buckets.get('bucket')!.objects.keys()], ['key'])
  for (const acl of ['private', 'bucket-owner-full-control']) {
    t.equal((await ask('PUT', '/bucket/new', { 'x-amz-acl': acl })).status, 200, acl)
  }
})

t.test('methods and parameters that do not fit', async (t) => {
  await using s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const ask = async (method: string, path: string) => {
    const connection = await s3.raw()
    connection.send(s3.head(method, path, { 'Content-Length': '0' }))
    const answer = await connection.answer()
    connection.socket.destroy()
    return [answer.status, /<Code>(\w+)/.exec(answer.body)?.[1]]
  }
  t.same(await ask('PATCH', '/bucket/key'), [405, 'MethodNotAllowed'])
  t.same(await ask('PROPFIND', '/bucket/key'), [405, 'MethodNotAllowed'])
  t.same(await ask('QUERY', '/bucket/key'), [405, 'MethodNotAllowed'])
  t.same(await ask('DELETE', '/'), [405, 'MethodNotAllowed'])
  t.same(await ask('PUT', '/bucket?delete'), [405, 'MethodNotAllowed'])
  t.same(await ask('PUT', '/bucket/key?uploads'), [405, 'MethodNotAllowed'])
  t.same(await ask('PUT', '/bucket/key?uploadId=x'), [400, 'InvalidArgument'])
  t.same(await ask('PUT', '/bucket/key?partNumber=1'), [400, 'InvalidArgument'])
  t.same(await ask('PUT', '/bucket/key?partNumber=0&uploadId=x'), [400, 'InvalidArgument'])
  t.same(await ask('PUT', '/bucket/key?partNumber=10001&uploadId=x'), [400, 'InvalidArgument'])
  t.same(await ask('PUT', '/bucket/key?partNumber=1&uploadId=x'), [404, 'NoSuchUpload'])
  t.same(await ask('GET', '/bucket?max-keys=abc'), [400, 'InvalidArgument'])
  t.same(await ask('GET', '/bucket?max-keys=-1'), [400, 'InvalidArgument'])
  t.same(await ask('GET', '/bucket?encoding-type=base64'), [400, 'InvalidArgument'])
  t.same(await ask('GET', '/bucket?list-type=3'), [400, 'InvalidArgument'])
  for (const path of ['/bucket/%zz', '/bucket/%ff', '//key', '*']) {
    const connection = await s3.raw()
    connection.send([`GET ${path} HTTP/1.1`, 'Host: x'])
    t.match((await connection.answer()).body, '<Code>InvalidURI</Code>', path)
  }
  t.same(await ask('PUT', `/bucket/${'k'.repeat(1025)}`), [400, 'KeyTooLongError'])
})

t.test('strange headers that Fastify would judge go through: content types, versions', async (t) => {
  await using s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (const type of ['no type at all', 'application/json', 'a/b; charset=\xfc', ';']) {
    const connection = await s3.raw()
    connection.send(
      Buffer.from(
        `${s3.head('PUT', '/bucket/key', { 'Content-Length': '5' }).join('\r\n')}\r\nContent-Type: ${type}\r\nAccept-Version: 9\r\n\r\nhello`,
        'latin1',
      ),
    )
    t.equal((await connection.answer()).status, 200, type)
    connection.send(s3.head('HEAD', '/bucket/key'))
    t.equal((await connection.answer({ isHead: true })).headers['content-type'], type)
  }
})

t.test('keys arrive undisturbed', async (t) => {
  await using s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const keys: [path: string, key: string][] = [
    ['a//b', 'a//b'],
    ['/lead', '/lead'],
    ['trail/', 'trail/'],
    ['a%2Fb', 'a/b'],
    ['..', '..'],
    ['../..', '../..'],
    ['./x/../y', './x/../y'],
    ['a%20b', 'a b'],
    ['a%2Bb', 'a+b'],
    ['%25', '%'],
    ['%C3%BC', 'ü'],
    ['a;b:c=d', 'a;b:c=d'],
    ['*', '*'],
    [':id', ':id'],
    ['k'.repeat(1024), 'k'.repeat(1024)],
    ['%E2%82%AC'.repeat(341), '€'.repeat(341)],
  ]
  for (const [path, key] of keys) {
    const connection = await s3.raw()
    connection.send(s3.head('PUT', `/bucket/${path}`, { 'Content-Length': '1' }))
    connection.send('x')
    const answer = await connection.answer()
    t.equal(answer.status, 200, `${path} ${answer.body}`)
    t.ok(s3.engine.buckets.get('bucket')!.objects.has(key), key.slice(0, 40))
    s3.engine.buckets.get('bucket')!.objects.clear()
    connection.socket.destroy()
  }
})
