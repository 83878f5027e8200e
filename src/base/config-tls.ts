import { filePath, flag, integer, seconds } from './config-kinds.ts'
import { inGroup, s3Side } from './config-setting.ts'

const tls = inGroup('TLS')
const pemFile = filePath(1024)
const clusterSide = ['gateway', 'storage-node', 'command'] as const

/** Settings of certificates: within the cluster, and towards clients. docs/tls.md tells how they go together. */
export const tlsSettings = {
  clusterTlsCa: tls({
    name: 'SEXTANT_CLUSTER_TLS_CA',
    kind: pemFile,
    default: undefined,
    readBy: clusterSide,
    about:
      'Certificates (PEM) of the CA whose holders are the cluster: a storage node takes calls of no others, and a gateway calls no others. Set together with the two below; then SEXTANT_CLUSTER_TOKEN is not used. docs/tls.md tells more.',
  }),
  clusterTlsCert: tls({
    name: 'SEXTANT_CLUSTER_TLS_CERT',
    kind: pemFile,
    default: undefined,
    readBy: clusterSide,
    about: 'The certificate (PEM) by which a gateway or a storage node shows that it is of the cluster.',
  }),
  clusterTlsKey: tls({
    name: 'SEXTANT_CLUSTER_TLS_KEY',
    kind: pemFile,
    default: undefined,
    readBy: clusterSide,
    about: 'The private key (PEM) of SEXTANT_CLUSTER_TLS_CERT.',
  }),
  allowTokenOverNetwork: tls({
    name: 'SEXTANT_ALLOW_TOKEN_OVER_NETWORK',
    kind: flag,
    default: 'false',
    readBy: clusterSide,
    about:
      'Lets gateways and storage nodes without certificates talk beyond this host, where token and chunks can be read by all who share the network. For tests, and networks that nobody else is on.',
  }),
  s3TlsCert: tls({
    name: 'SEXTANT_S3_TLS_CERT',
    kind: pemFile,
    default: undefined,
    readBy: s3Side,
    about:
      'The certificate (PEM, with those between it and its root) of the S3 endpoint, which is https then, TLS 1.2 or later. Not set: http.',
  }),
  s3TlsKey: tls({
    name: 'SEXTANT_S3_TLS_KEY',
    kind: pemFile,
    default: undefined,
    readBy: s3Side,
    about: 'The private key (PEM) of SEXTANT_S3_TLS_CERT.',
  }),
  adminTlsCert: tls({
    name: 'SEXTANT_ADMIN_TLS_CERT',
    kind: pemFile,
    default: undefined,
    readBy: ['up', 'gateway', 'storage-node'],
    about: "The certificate (PEM) of the admin port, and of a storage node's port for metrics. Not set: http.",
  }),
  adminTlsKey: tls({
    name: 'SEXTANT_ADMIN_TLS_KEY',
    kind: pemFile,
    default: undefined,
    readBy: ['up', 'gateway', 'storage-node'],
    about: 'The private key (PEM) of SEXTANT_ADMIN_TLS_CERT.',
  }),
  tlsLookMs: tls({
    name: 'SEXTANT_TLS_RELOAD_SECONDS',
    kind: seconds({ min: 0.1, max: 86_400 }),
    default: '30',
    readBy: ['gateway', 'storage-node'],
    about:
      'How often the files of certificates and keys are looked at. Changed ones hold for new connections; SIGHUP has them looked at at once.',
  }),
  certificateDays: tls({
    name: 'SEXTANT_CERT_DAYS',
    kind: integer({ min: 1, max: 3650 }),
    default: '365',
    readBy: ['command'],
    about:
      'How many days the certificates last that `sextant cert` makes; `sextant cert renew` renews in the last third.',
  }),
  caDays: tls({
    name: 'SEXTANT_CERT_CA_DAYS',
    kind: integer({ min: 1, max: 36_500 }),
    default: '3650',
    readBy: ['command'],
    about: 'How many days the CA lasts that `sextant cert init` makes. No certificate of it lasts longer.',
  }),
} as const
