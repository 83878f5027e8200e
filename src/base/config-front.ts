import { bytes, choice, filePath, flag, integer, key32, matching, namedKeys, port, seconds } from './config-kinds.ts'
import { everyone, inGroup, MIB, s3Side, TIB } from './config-setting.ts'

const host = matching(/^[0-9A-Za-z.:_-]{1,255}$/, 'a host name or an address')
const token = matching(/^[\x21-\x7e]{16,512}$/, '16 to 512 printable ASCII characters without spaces')
const place = inGroup('Place and database')
const s3 = inGroup('S3')
const admin = inGroup('Administration')
const keys = inGroup('Keys and secrets')

/** Settings of what clients and operators meet: place, S3, administration, keys. */
export const frontSettings = {
  dataDirectory: place({
    name: 'SEXTANT_DATA_DIR',
    kind: filePath(4096),
    default: './data',
    readBy: ['up', 'storage-node', 'command'],
    about:
      'Where everything lies: chunks, PostgreSQL, secrets. A storage node that is started alone keeps its identity and its chunks there.',
  }),
  databaseUrl: place({
    name: 'DATABASE_URL',
    kind: matching(/^postgres(ql)?:\/\/\S+$/, 'a URL that begins with postgresql://'),
    default: undefined,
    readBy: everyone,
    secret: true,
    about: 'PostgreSQL 15 or later. Not set: `sextant up` starts one of its own in the data directory.',
  }),
  readReplicaUrl: place({
    name: 'SEXTANT_READ_REPLICA_URL',
    kind: matching(/^postgres(ql)?:\/\/\S+$/, 'a URL that begins with postgresql://'),
    default: undefined,
    readBy: [...s3Side, 'command'],
    secret: true,
    about:
      'A streaming replica of that PostgreSQL, of which is read what may be a little old: what metrics, reports and `sextant status` tell of queues and tables, and what lifecycle rules may make due. No S3 answer comes of it, and nothing is done by what it says alone. While it is away, or too far behind, the primary answers. Not set: it always does.',
  }),
  readReplicaLagMs: place({
    name: 'SEXTANT_READ_REPLICA_LAG_SECONDS',
    kind: seconds({ min: 11, max: 3600 }),
    default: '30',
    readBy: [...s3Side, 'command'],
    about:
      'How far behind the primary a read replica may be for its answers to be taken: alerts hang on them. Storage nodes write every 10 s, and nothing younger may there be to replay.',
  }),
  walArchive: place({
    name: 'SEXTANT_WAL_ARCHIVE_DIR',
    kind: filePath(1024),
    default: undefined,
    readBy: ['up', 'command'],
    about:
      "Where PostgreSQL of the store's own copies its WAL, compressed, so that a backup can be restored as of any moment since: on another disk than the data directory. Not set: nowhere. docs/backup.md tells more.",
  }),
  databaseConnections: place({
    name: 'SEXTANT_DATABASE_CONNECTIONS',
    kind: integer({ min: 4, max: 200 }),
    default: '10',
    readBy: ['gateway'],
    about:
      'Connections to PostgreSQL that one gateway process opens for requests, at most; up to four more for locks, notices and jobs.',
  }),
  resolveMs: place({
    name: 'SEXTANT_COMMIT_RESOLVE_SECONDS',
    kind: seconds({ min: 0, max: 3600 }),
    default: '30',
    readBy: ['gateway'],
    about:
      'When the connection to PostgreSQL breaks under a commit, how long a gateway goes on asking what became of it before it answers 503: longer than a failover takes, shorter than clients wait.',
  }),

  s3Host: s3({
    name: 'SEXTANT_S3_HOST',
    kind: host,
    default: '127.0.0.1',
    readBy: s3Side,
    about: 'The address that the S3 endpoint listens on; 0.0.0.0 for all of IPv4.',
  }),
  s3Port: s3({
    name: 'SEXTANT_S3_PORT',
    kind: port,
    default: '8080',
    readBy: s3Side,
    about: "The S3 endpoint's port; 0 for any free one.",
  }),
  region: s3({
    name: 'SEXTANT_REGION',
    kind: matching(/^[a-z0-9-]{1,64}$/, 'small letters, digits and hyphens'),
    default: 'us-east-1',
    readBy: s3Side,
    about: 'The region that clients sign for, and that buckets are in.',
  }),
  domain: s3({
    name: 'SEXTANT_DOMAIN',
    kind: matching(/^[a-z0-9.-]{1,253}(,[a-z0-9.-]{1,253})*$/, 'host names in small letters, with commas between them'),
    default: undefined,
    readBy: s3Side,
    about:
      'Host names under which buckets are sub-domains (virtual-host style): `photos.s3.example.com` for `s3.example.com`.',
  }),
  sigV2: s3({
    name: 'SEXTANT_SIGV2',
    kind: choice(['off', 'presigned', 'all']),
    default: 'presigned',
    readBy: s3Side,
    about:
      'Where the old signature version 2 is taken: nowhere, in presigned URLs and forms (boto3, aws cli v1 and s3cmd make them), or everywhere.',
  }),
  objectBytesMax: s3({
    name: 'SEXTANT_MAX_OBJECT_BYTES',
    kind: bytes({ min: MIB, max: 50 * TIB }),
    default: '10 GiB',
    readBy: s3Side,
    about: 'The largest object, single or multipart.',
  }),
  connectionsMax: s3({
    name: 'SEXTANT_MAX_CONNECTIONS',
    kind: integer({ min: 10, max: 1_000_000 }),
    default: '20000',
    readBy: s3Side,
    about: 'Connections of clients to one gateway process; more are refused.',
  }),
  defaultObjectOwnership: s3({
    name: 'SEXTANT_DEFAULT_OBJECT_OWNERSHIP',
    kind: choice(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter']),
    default: 'BucketOwnerEnforced',
    readBy: s3Side,
    about: 'Object ownership of a new bucket.',
  }),
  defaultPublicAccessBlock: s3({
    name: 'SEXTANT_DEFAULT_PUBLIC_ACCESS_BLOCK',
    kind: flag,
    default: 'true',
    readBy: s3Side,
    about: 'Whether a new bucket refuses public policies and ACLs.',
  }),
  defaultEncryption: s3({
    name: 'SEXTANT_DEFAULT_ENCRYPTION',
    kind: choice(['none', 'AES256']),
    default: 'none',
    readBy: s3Side,
    about:
      'How objects are encrypted on the disks when neither their clients nor their bucket say: not at all, or by SSE-S3 as on AWS. docs/encryption.md tells more.',
  }),
  defaultCompression: s3({
    name: 'SEXTANT_DEFAULT_COMPRESSION',
    kind: choice(['off', 'zstd']),
    default: 'off',
    readBy: s3Side,
    about:
      'Whether new objects are compressed on the disks, in buckets that `sextant bucket set` has told nothing else. What does not shrink is stored as it is. Old gateways cannot read what is compressed: to be turned on when all are of this version.',
  }),
  allowSseCOverHttp: s3({
    name: 'SEXTANT_ALLOW_SSE_C_OVER_HTTP',
    kind: flag,
    default: 'false',
    readBy: s3Side,
    about: 'Takes customer-provided encryption keys over plain HTTP. For tests.',
  }),

  adminHost: admin({
    name: 'SEXTANT_ADMIN_HOST',
    kind: host,
    default: '127.0.0.1',
    readBy: s3Side,
    about: 'The address that health and administration listen on.',
  }),
  adminPort: admin({
    name: 'SEXTANT_ADMIN_PORT',
    kind: port,
    default: '8081',
    readBy: s3Side,
    about: 'The port of health and administration; 0 for any free one.',
  }),

  rootAccessKeyId: keys({
    name: 'SEXTANT_ROOT_ACCESS_KEY_ID',
    kind: matching(/^[\w-]{3,128}$/, '3 to 128 letters, digits, _ or -'),
    default: undefined,
    readBy: ['up', 'migrate'],
    about: "The root account's access key. Not set: made at the first start and kept in the data directory.",
  }),
  rootSecretAccessKey: keys({
    name: 'SEXTANT_ROOT_SECRET_ACCESS_KEY',
    kind: matching(/^[\x21-\x7e]{8,128}$/, '8 to 128 printable ASCII characters without spaces'),
    default: undefined,
    readBy: ['up', 'migrate'],
    secret: true,
    about: "The root account's secret key; belongs to SEXTANT_ROOT_ACCESS_KEY_ID.",
  }),
  sealingKey: keys({
    name: 'SEXTANT_SEALING_KEY',
    kind: key32,
    default: undefined,
    readBy: ['up', 'gateway', 'migrate', 'command'],
    secret: true,
    about:
      'Seals the secret keys that lie in PostgreSQL, and the data keys of encrypted objects: keep a copy in a safe place. `sextant up` makes one at the first start; without it no stored key can be used, and no encrypted object be read.',
  }),
  kmsKeys: keys({
    name: 'SEXTANT_KMS_KEYS',
    kind: namedKeys,
    default: undefined,
    readBy: ['up', 'gateway', 'command'],
    secret: true,
    about:
      'Keys for SSE-KMS, as clients name them. Of several under one name the first seals, and the others open what they sealed. `aws/s3`, which is used when none is named, is made of the sealing key unless it stands here.',
  }),
  clusterToken: keys({
    name: 'SEXTANT_CLUSTER_TOKEN',
    kind: token,
    default: undefined,
    readBy: ['up', 'gateway', 'storage-node', 'command'],
    secret: true,
    about:
      'What gateways show to storage nodes on the same host. `sextant up` makes one at the first start. Beyond a host certificates take its place: SEXTANT_CLUSTER_TLS_CERT.',
  }),
  keyGraceMs: keys({
    name: 'SEXTANT_KEY_GRACE_SECONDS',
    kind: seconds({ min: 0, max: 90 * 86_400 }),
    default: '86400',
    readBy: ['command'],
    about:
      'How long an access key that is rotated by `sextant key rotate` takes the secret that it had before, unless `--grace` says otherwise.',
  }),
  keyCacheMs: keys({
    name: 'SEXTANT_KEY_CACHE_SECONDS',
    kind: seconds({ min: 0, max: 3600 }),
    default: '10',
    readBy: ['gateway'],
    about:
      'How long a gateway may go on using an access key that was changed or deleted. It hears of that from PostgreSQL at once; this is for when it cannot.',
  }),
} as const
