import { createHash, createHmac } from 'node:crypto'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import aws4 from 'aws4'
import t from 'tap'
import { eventually } from '../support/store.ts'
import { dataDirectory, kill, processesOn, sextant } from '../support/up.ts'

const ID = 'ROOTKEYID'
const SECRET = 'the-root-secret-of-this-test'
const WEBHOOK_SECRET = 'the-webhook-secret-of-this-test'
const CUSTOMER_KEY = createHash('sha256').update('a key of a customer').digest()

t.test(
  'audit log: a line for every request, refused ones too; no secret in it, in the log, in process titles',
  async (t) => {
    const directory = await dataDirectory(t)
    const path = join(directory, 'audit.log')
    const running = sextant(directory, ['up', '--json'], {
      SEXTANT_AUDIT_LOG: path,
      SEXTANT_LOG_LEVEL: 'debug',
      SEXTANT_ROOT_ACCESS_KEY_ID: ID,
      SEXTANT_ROOT_SECRET_ACCESS_KEY: SECRET,
      SEXTANT_ALLOW_SSE_C_OVER_HTTP: 'true',
      SEXTANT_WEBHOOKS: JSON.stringify({ hook: { url: 'http://127.0.0.1:9/', secret: WEBHOOK_SECRET } }),
    })
    let log = ''
    running.child.stderr!.on('data', (data: Buffer) => {
      log += data
    })
    const { endpoint } = await running.ready
    const { host, hostname, port } = new URL(endpoint)

    /** What travelled and must not be written down. */
    const secrets = new Map<string, string>([
      ['the secret key', SECRET],
      ['a customer’s key', CUSTOMER_KEY.toString('base64')],
      ['a webhook’s secret', WEBHOOK_SECRET],
      ...['sealing-key', 'cluster-token'].map(
        (name) => [name, readFileSync(join(directory, 'secrets', name), 'utf8').trim()] as const,
      ),
    ])
    const customer = {
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key': CUSTOMER_KEY.toString('base64'),
      'x-amz-server-side-encryption-customer-key-MD5': createHash('md5').update(CUSTOMER_KEY).digest('base64'),
    }
    const answers: { id: string; status: number }[] = []
    async function ask(name: string, path: string, init: RequestInit = {}) {
      const answer = await fetch(`${endpoint}${path}`, init)
      const body = await answer.text()
      answers.push({ id: answer.headers.get('x-amz-request-id')!, status: answer.status })
      // S3 repeats the id that it does not know, to the client that named it.
      const said = body.replace(/<AWSAccessKeyId>.*?<\/AWSAccessKeyId>/, '')
      t.notOk(said.includes(SECRET) || said.includes(CUSTOMER_KEY.toString('base64')), `${name}: nor in the answer`)
      return { status: answer.status, id: answer.headers.get('x-amz-request-id')! }
    }
    type Signing = {
      headers?: Record<string, string>
      body?: string
      signQuery?: boolean
      id?: string
      secret?: string
    }
    async function signed(name: string, method: string, path: string, signing: Signing = {}) {
      const { headers = {}, body, signQuery = false, id = ID, secret = SECRET } = signing
      const hash = signQuery ? {} : { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
      const request = aws4.sign(
        { service: 's3', region: 'us-east-1', method, path, host, signQuery, headers: { ...hash, ...headers } },
        { accessKeyId: id, secretAccessKey: secret },
      )
      const given = request.headers as Record<string, string>
      const found = /Signature=([0-9a-f]{64})/.exec(given.Authorization ?? request.path!)
      secrets.set(`the signature of: ${name}`, found![1]!)
      const { Host: _, ...sent } = given
      return await ask(name, request.path!, { method, headers: sent, ...(body !== undefined && { body }) })
    }

    await signed('a bucket', 'PUT', '/bucket')
    const put = await signed('a customer’s key', 'PUT', '/bucket/ein%20Schl%C3%BCssel', {
      headers: customer,
      body: 'hello',
    })
    await signed('a GET', 'GET', '/bucket/ein%20Schl%C3%BCssel', { headers: customer })
    const wrong = await signed('a wrong secret', 'PUT', '/bucket/b', {
      headers: customer,
      body: 'hello',
      secret: 'not-the-secret',
    })
    const swapped = await signed('secret and id in each other’s place', 'GET', '/bucket', { id: SECRET, secret: ID })
    const presigned = await signed('a presigned URL', 'GET', '/bucket?X-Amz-Expires=60', { signQuery: true })
    await signed('a presigned URL by a wrong secret', 'GET', '/bucket?X-Amz-Expires=60', {
      signQuery: true,
      secret: 'wrong-secret',
    })
    await signed('what is not there', 'GET', '/bucket/nothing?versionId=null')
    const anonymous = await ask('nobody', '/bucket/secret-place')
    await ask('bad escapes', '/bucket/%zz?X-Amz-Signature=%zz')

    const conditions = [{ bucket: 'bucket' }, ['starts-with', '$key', '']]
    const policy = Buffer.from(JSON.stringify({ expiration: '2099-01-01T00:00:00Z', conditions })).toString('base64')
    secrets.set('a form’s policy', policy)
    for (const [secret, status] of [
      [SECRET, 204],
      ['another-secret', 403],
    ] as const) {
      const signature = createHmac('sha1', secret).update(policy).digest('base64')
      secrets.set(`a form’s signature, ${status}`, signature)
      const form = new FormData()
      for (const [name, value] of Object.entries({ key: 'by form', AWSAccessKeyId: ID, policy, signature }))
        form.set(name, value)
      form.set('file', 'hello')
      t.equal((await ask('a form', '/bucket', { method: 'POST', body: form })).status, status)
    }
    const broken = connect(Number(port), hostname)
    broken.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${SECRET}\r\nno header\r\n\r\n`)
    const [line] = (await broken.toArray()).join('').split('\r\n')
    t.match(line, / 400 /)
    await fetch(`${endpoint}/health`)

    const entries = () =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    // Each answered, and the broken one.
    await eventually('every request is written down', 60_000, async () => entries().length >= answers.length + 1)
    const written = entries()
    t.equal(written.length, answers.length + 1, 'each once, and none for the health check')
    for (const { id, status } of answers)
      t.match(
        written.find(({ requestId }) => requestId === id),
        { status, remote: '127.0.0.1' },
      )
    const of = ({ id }: { id: string }) => written.find(({ requestId }) => requestId === id)
    t.match(of(put), {
      accessKeyId: ID,
      account: 'root',
      operation: 'PutObject',
      method: 'PUT',
      bucket: 'bucket',
      key: 'ein Schlüssel',
      status: 200,
      bytesIn: 5,
    })
    t.ok(Math.abs(Date.parse(of(put).time) - Date.now()) < 600_000)
    t.ok(of(put).durationMs > 0)
    t.match(of(wrong), { status: 403, code: 'SignatureDoesNotMatch', claimedAccessKeyId: ID, key: 'b' })
    t.equal(of(wrong).accessKeyId, undefined)
    t.match(of(swapped), { status: 403, code: 'InvalidAccessKeyId' })
    t.match(of(presigned), { status: 200, accessKeyId: ID, operation: 'ListObjects' })
    t.match(of(anonymous), { status: 403, code: 'AccessDenied', bucket: 'bucket', key: 'secret-place' })
    t.match(
      written.filter(({ operation }) => operation === 'PostObject'),
      [
        { key: 'by form', status: 204, accessKeyId: ID },
        { status: 403, claimedAccessKeyId: ID },
      ],
    )
    t.equal(written.filter(({ code }) => code === 'BadRequest').length, 1)

    const titles = await Promise.all(
      (await processesOn(directory)).map(({ pid }) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        } catch {
          return ''
        }
      }),
    )
    t.ok(log.includes('request refused') && titles.join().includes('gateway'), 'there is something to look through')
    const places = { 'the audit log': readFileSync(path, 'utf8'), 'the log': log, 'process titles': titles.join('\n') }
    for (const [place, text] of Object.entries(places))
      for (const [name, secret] of secrets) t.notOk(text.includes(secret), `${name} is not in ${place}`)

    renameSync(path, `${path}.1`)
    kill(running.child.pid!, 'SIGHUP')
    await eventually('another file is begun', 60_000, async () => existsSync(path))
    await ask('after the move', '/bucket')
    await eventually('it is written to', 60_000, async () => entries().length === 1)
    running.child.kill('SIGTERM')
    await running.ended
  },
)
