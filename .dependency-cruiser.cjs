/** The rooms' import rules (docs/explanation of each in ARCHITECTURE.md). Ports and the model may be imported as types by whoever implements them. */
const room = (name, allowed) => ({
  name: `room-${name}`,
  severity: 'error',
  comment: `src/${name} imports only: ${allowed.join(', ') || 'itself'}`,
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: [name, ...allowed].map((a) => `^src/${a}/`), dependencyTypesNot: ['type-only'] },
})
/** Type-only imports reach one step further: an adapter may name the port that it implements. */
const roomTypes = (name, allowed) => ({
  name: `room-${name}-types`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: {
    path: '^src/',
    pathNot: [
      ...[name, ...allowed].map((a) => `^src/${a}/`),
      '^src/engine/ports/',
      '^src/upkeep/ports/',
      '^src/storage-node/ports\\.ts$',
    ],
  },
})
const only = (packages, rooms) => ({
  name: `only-${rooms.join('-')}-import-${packages[0].replace(/\W+/g, '-')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: [...rooms, 'gen'].map((r) => `^src/${r}/`) },
  to: { path: packages.map((p) => `node_modules/${p}(/|$)`) },
})
const rooms = {
  base: [],
  gen: [],
  placement: ['base'],
  striping: ['base'],
  meta: ['base'],
  'chunk-files': ['base', 'striping'],
  'chunk-client': ['base', 'gen', 'striping', 'chunk-files'],
  'storage-node': ['base', 'gen', 'striping', 'chunk-files'],
  engine: ['base', 'placement', 'striping'],
  upkeep: ['base', 'placement', 'striping'],
  s3api: ['base', 'engine'],
  webhooks: ['base'],
  metrics: ['base', 'upkeep'],
  tracing: ['base', 'upkeep'],
  admin: ['base', 'engine'],
}
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'conformance-is-black-box', severity: 'error', from: { path: '^conformance/' }, to: { path: '^src/' } },
    ...Object.entries(rooms).map(([name, allowed]) => room(name, allowed)),
    ...Object.entries(rooms).map(([name, allowed]) => roomTypes(name, allowed)),
    only(['fastify'], ['s3api', 'admin']),
    only(['@opentelemetry'], ['tracing']),
    only(['pg', 'pg-query-stream', 'node-pg-migrate'], ['meta']),
  ],
  options: {
    tsPreCompilationDeps: 'specify',
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
  },
}
