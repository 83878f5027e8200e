import t from 'tap'
import { ConfigError, type Environment, readAll, readSettings, settings } from '../../src/base/config.ts'

const noFiles = (path: string): string => {
  throw Object.assign(new Error(path), { code: 'ENOENT' })
}
const read = (env: Environment, readFile = noFiles) => readSettings({ env, readFile })
const problemsOf = (env: Environment, readFile = noFiles): readonly string[] => {
  try {
    read(env, readFile)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

t.test('settings: an empty environment gives the defaults that others rely on', async (t) => {
  const found = read({})
  t.match(found, {
    dataDirectory: './data',
    databaseUrl: undefined,
    s3Host: '127.0.0.1',
    s3Port: 8080,
    adminPort: 8081,
    region: 'us-east-1',
    sigV2: 'presigned',
    nodes: 6,
    workers: 1,
    parityChunks: 2,
    blockBytes: 32_768,
    objectBytesMax: 10 * 2 ** 30,
    drainMs: 30_000,
    sweepIntervalMs: 300_000,
    uploadTtlMs: 86_400_000,
    putTtlMs: 3_600_000,
    heartbeatMs: 10_000,
    ringRefreshMs: 30_000,
  })
})

t.test('settings: every name of the design is one', async (t) => {
  const names = settings().map(([, { name }]) => name)
  const contract =
    'DATABASE_URL SEXTANT_DATA_DIR SEXTANT_S3_HOST SEXTANT_S3_PORT SEXTANT_ADMIN_PORT SEXTANT_ROOT_ACCESS_KEY_ID SEXTANT_ROOT_SECRET_ACCESS_KEY SEXTANT_REGION SEXTANT_DOMAIN SEXTANT_WORKERS SEXTANT_NODES SEXTANT_PARITY SEXTANT_DEFAULT_OBJECT_OWNERSHIP SEXTANT_DEFAULT_PUBLIC_ACCESS_BLOCK SEXTANT_LIFECYCLE_DAY_SECONDS SEXTANT_ALLOW_SSE_C_OVER_HTTP SEXTANT_SIGV2 SEXTANT_MAX_OBJECT_BYTES SEXTANT_KEY_CACHE_SECONDS SEXTANT_DRAIN_SECONDS SEXTANT_CLUSTER_TOKEN SEXTANT_SEALING_KEY'
  for (const name of contract.split(' ')) t.ok(names.includes(name), name)
  t.equal(new Set(names).size, names.length, 'no name twice')
})

t.test('settings: every default is a value that is allowed, every row says what it is', async (t) => {
  for (const [, setting] of settings()) {
    if (setting.default !== undefined) t.not(setting.kind.parse(setting.default), undefined, setting.name)
    t.match(setting.name, /^(SEXTANT_[A-Z0-9_]+|DATABASE_URL)$/)
    t.match(setting.about, /^[A-Z`].*\.$/s, `${setting.name}: a sentence`)
    t.ok(setting.readBy.length > 0, setting.name)
  }
})

t.test('settings: units', async (t) => {
  t.equal(read({ SEXTANT_MAX_OBJECT_BYTES: '5GiB' }).objectBytesMax, 5 * 2 ** 30)
  t.equal(read({ SEXTANT_MAX_OBJECT_BYTES: '5368709120' }).objectBytesMax, 5 * 2 ** 30)
  t.equal(read({ SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5' }).sweepIntervalMs, 500)
  t.equal(read({ SEXTANT_DEFAULT_PUBLIC_ACCESS_BLOCK: 'false' }).defaultPublicAccessBlock, false)
  const key = Buffer.alloc(32, 7)
  t.same(read({ SEXTANT_SEALING_KEY: key.toString('hex') }).sealingKey, key)
  t.same(read({ SEXTANT_SEALING_KEY: key.toString('base64') }).sealingKey, key)
})

t.test('settings: a bad value is refused in a sentence that names variable, value and what is allowed', async (t) => {
  t.same(problemsOf({ SEXTANT_S3_PORT: '99999' }), [
    'SEXTANT_S3_PORT is "99999": it must be a whole number from 0 to 65,535.',
  ])
  t.same(problemsOf({ SEXTANT_SIGV2: 'yes' }), ['SEXTANT_SIGV2 is "yes": it must be one of off, presigned, all.'])
  t.match(problemsOf({ SEXTANT_BLOCK_BYTES: '5000' }), [/a multiple of 4,096\.$/])
  t.match(problemsOf({ SEXTANT_DATA_DIR: 'a\nb' }), [/^SEXTANT_DATA_DIR is "a\\nb"/])
  for (const value of ['-1', '1e3', ' 80', '0x50', '80.5', '']) {
    const expected = value === '' ? 0 : 1 // an empty variable counts as not set
    t.equal(problemsOf({ SEXTANT_S3_PORT: value }).length, expected, JSON.stringify(value))
  }
})

t.test('settings: all that is wrong is told at once', async (t) => {
  t.equal(problemsOf({ SEXTANT_S3_PORT: 'x', SEXTANT_NODES: 'x', SEXTANT_PROT: '1' }).length, 3)
})

t.test(
  'settings: an unknown SEXTANT_ variable is refused, with the likely one; tests keep names of their own',
  async (t) => {
    t.same(problemsOf({ SEXTANT_S3_PROT: '1' }), [
      'SEXTANT_S3_PROT is not a setting of Sextant (SEXTANT_S3_PORT is); `sextant config` lists them all.',
    ])
    t.match(problemsOf({ SEXTANT_COLOUR_OF_THE_SEA: 'blue' }), [
      /^SEXTANT_COLOUR_OF_THE_SEA is not a setting of Sextant;/,
    ])
    t.same(problemsOf({ SEXTANT_TEST_DATABASE_URL: 'x', PATH: '/bin', PGHOST: 'x' }), [])
  },
)

t.test('settings: no secret is ever in a message', async (t) => {
  const secret = 'hunter2 with spaces'
  for (const [, setting] of settings().filter(([, { secret: isSecret }]) => isSecret)) {
    const problems = problemsOf({ [setting.name]: secret })
    t.equal(problems.length, 1, setting.name)
    t.notMatch(problems[0], /hunter2/, setting.name)
  }
})

t.test('settings: a secret may come from a file, but not from two places', async (t) => {
  const token = 'a-token-of-some-length'
  const readFile = (path: string) => (path === '/run/token' ? `${token}\n` : noFiles(path))
  t.equal(read({ SEXTANT_CLUSTER_TOKEN_FILE: '/run/token' }, readFile).clusterToken, token)
  const origins = readAll({ env: { SEXTANT_CLUSTER_TOKEN_FILE: '/run/token' }, readFile })
  t.equal(origins.find(({ key }) => key === 'clusterToken')?.origin, 'file')
  t.match(problemsOf({ SEXTANT_CLUSTER_TOKEN_FILE: '/gone' }), [/"\/gone": that file cannot be read \(ENOENT\)\.$/])
  t.match(problemsOf({ SEXTANT_CLUSTER_TOKEN_FILE: '/run/token', SEXTANT_CLUSTER_TOKEN: token }, readFile), [
    /both set: only one may be\.$/,
  ])
  t.match(problemsOf({ SEXTANT_S3_PORT_FILE: '/run/token' }), [/not a setting/], 'only secrets lie in files')
})
