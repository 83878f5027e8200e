import fc from 'fast-check'
import t from 'tap'
import { StoreFault } from '../../../src/base/faults.ts'
import { bucketOfHost } from '../../../src/s3api/names/host.ts'
import { parseTarget } from '../../../src/s3api/names/target.ts'

const at = (target: string, host = 'localhost:8080', domains: string[] = ['localhost', 's3.example.com']) =>
  parseTarget({ target, host, domains })
const names = (target: string, host?: string) => {
  const { bucket, key, isVirtualHost } = at(target, host)
  return [bucket, key, isVirtualHost]
}

t.test('path style: service, bucket, key', async (t) => {
  t.same(names('/'), [undefined, undefined, false])
  t.same(names('/?x-id=ListBuckets'), [undefined, undefined, false])
  t.same(names('/bucket'), ['bucket', undefined, false])
  t.same(names('/bucket/'), ['bucket', undefined, false])
  t.same(names('/bucket/?uploads='), ['bucket', undefined, false])
  t.same(names('/bucket/key'), ['bucket', 'key', false])
  t.same(names('/bucket//key/../x//'), ['bucket', '/key/../x//', false])
  t.same(names('/bucket/a%2Fb%20c+d%3Fe'), ['bucket', 'a/b c+d?e', false])
  t.same(names('/bucket/%C3%BC'), ['bucket', 'ü', false])
})

t.test('virtual-host style: the bucket is before one of the domains, the longest counts', async (t) => {
  t.same(names('/', 'bucket.localhost:8080'), ['bucket', undefined, true])
  t.same(names('/dir/key', 'Bucket.LOCALHOST'), ['bucket', 'dir/key', true])
  t.same(names('//key', 'a.b.s3.example.com'), ['a.b', '/key', true])
  t.same(names('/bucket/key', 's3.example.com'), ['bucket', 'key', false])
  t.same(names('/bucket/key', 'other.example.com'), ['bucket', 'key', false])
  t.same(names('/bucket/key', '127.0.0.1:80'), ['bucket', 'key', false])
  t.equal(bucketOfHost('b.s3.example.com', ['example.com', 's3.example.com']), 'b')
  t.equal(bucketOfHost('s3.example.com', ['example.com', 's3.example.com']), undefined)
  t.equal(bucketOfHost('.localhost', ['localhost']), undefined)
  t.equal(bucketOfHost('[::1]:8080', ['localhost']), undefined)
  t.equal(bucketOfHost(undefined, ['localhost']), undefined)
  t.equal(bucketOfHost('b.localhost', []), undefined)
})

t.test('queries: decoded, with or without values', async (t) => {
  const query = (text: string) => Object.fromEntries(at(`/b?${text}`).query)
  t.same(query('uploads'), { uploads: '' })
  t.same(query('uploads='), { uploads: '' })
  t.same(query('&&prefix=a+b%2Bc%26&x=1=2&'), { prefix: 'a b+c&', x: '1=2' })
  t.same(query('prefix=%C3%BC&a%20b=?/'), { prefix: 'ü', 'a b': '?/' })
  t.same(query('__proto__=1'), Object.fromEntries([['__proto__', '1']]))
})

t.test('attack: a parameter that comes twice, however spelled, is refused', async (t) => {
  for (const text of ['versionId=a&versionId=b', 'acl&acl', 'acl&%61cl=', 'a+b&a%20b']) {
    t.throws(() => at(`/b/k?${text}`), { code: 'InvalidArgument' }, text)
  }
})

t.test('what is no target is refused', async (t) => {
  for (const bad of ['', '*', 'bucket/key', '//bucket', 'http://host/bucket', '/b/%', '/b/%ff', '/b?a=%', '/b?%ff']) {
    t.throws(() => at(bad), { code: 'InvalidURI' }, bad)
  }
  t.throws(() => at('/b?prefix=%00'), { code: 'InvalidArgument' })
})

t.test('any text is a target or a fault', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (target, host) => {
      try {
        at(`/${target}`, host)
        return true
      } catch (error) {
        return error instanceof StoreFault
      }
    }),
    { numRuns: 2000 },
  )
})
