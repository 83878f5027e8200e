/** What is tested, what passing means, what suites show of it, and what runs them: docs/reliability.md is made of it. */
interface ScorecardLine {
  line: number
  tested: string
  passes: string
  /** Of those who show it: the line is kept when each of them is there and passed. */
  results: readonly string[]
  /** In a shell at the top of the repository, with SEXTANT_TEST_RESULTS set: each leaves its results anew. */
  commands: readonly string[]
}

/** With one file at a time: what is measured is not to be held up by what is measured beside it. */
const tap = 'tap --reporter=terse --jobs=1 --timeout=3600'

export const scorecard = [
  {
    line: 1,
    tested: 'Random sequences of operations, held against a model of S3',
    passes: 'no answer differs',
    results: ['model conformance'],
    commands: ['npm run model -- --sequences 100000'],
  },
  {
    line: 2,
    tested: '10,000 operations while every 2 s a node, a gateway or PostgreSQL is killed with -9',
    passes: 'no acknowledged write lost, no wrong byte, no delete undone',
    results: ['kill -9'],
    commands: ['npm run chaos -- --full kill'],
  },
  {
    line: 3,
    tested: 'Kills at every step of writes, deletes, upkeep, compaction and migration',
    passes: 'each step 20 times; all is whole, and nothing left over',
    results: ['simulated clusters', 'crash points of upkeep', 'migrations killed'],
    commands: ['npm run sim -- --seeds 1500', 'npm run test:crash-points', `${tap} test/meta/migrate.test.ts`],
  },
  {
    line: 4,
    tested: 'Power cuts that drop, reorder and tear what was not synced',
    passes: 'after 100,000 of them what was acknowledged is read',
    results: ['power cuts'],
    commands: ['npm run test:power-cuts'],
  },
  {
    line: 5,
    tested: 'As many nodes down as there are parity chunks (m); one more',
    passes: 'all reads and writes succeed; then a clean 503, never wrong bytes',
    results: ['m nodes down, then m + 1'],
    commands: ['npm run chaos -- --full nodes-down'],
  },
  {
    line: 6,
    tested: 'Chunks flipped, cut short, zeroed, swapped, or of an older object: up to m of a part; m + 1',
    passes: 'served exactly, and healed; then an error, and no byte served as good',
    results: ['bit rot'],
    commands: ['npm run chaos -- --full bit-rot'],
  },
  {
    line: 7,
    tested: 'Disks full or read-only, of nodes and of PostgreSQL',
    passes: '507 or 503 at most, back without a restart, nothing half done',
    results: [
      'the disk of one node is full',
      'the disk of one node turns read-only',
      'the disks of all nodes are full',
      "PostgreSQL's disk is full",
    ],
    commands: ['npm run chaos -- --full disks'],
  },
  {
    line: 8,
    tested: 'A node that hangs (SIGSTOP) or takes 5 s; any process that sleeps and goes on',
    passes: '99th percentile of GETs under twice the healthy one; no harm',
    results: [
      'a node hung (SIGSTOP)',
      'a node 5 s slow',
      'a node hung, local reads false',
      'a node hung, local reads true',
      'pauses',
    ],
    commands: ['npm run chaos -- --full late-nodes pauses', 'npm run test:hung-node'],
  },
  {
    line: 9,
    tested: 'Networks cut both ways and one way, between gateways, nodes and PostgreSQL',
    passes: 'nothing lost or wrong; all alive within 10 s of healing',
    results: ['partitions, network namespaces', 'partitions, proxies'],
    commands: ['npm run chaos -- --long partitions'],
  },
  {
    line: 10,
    tested: 'Clocks an hour off',
    passes: 'the database orders versions; skewed signatures are refused',
    results: ['clocks'],
    commands: ['npm run chaos -- --full clocks'],
  },
  {
    line: 11,
    tested: 'PostgreSQL fails over under load; without synchronous replication, too',
    passes: 'no acknowledged write lost; what the other way loses is told',
    results: ['PostgreSQL failover', 'PostgreSQL failover, asynchronous'],
    commands: ['npm run chaos -- --full failover failover-asynchronous'],
  },
  {
    line: 12,
    tested:
      'Linearizability of each key, and of listings after writes: judged in lines 2, 8, 9 and 11, and in simulations',
    passes: 'no key without an order; spoilt stores are found out',
    results: [
      'kill -9',
      'pauses',
      'partitions, network namespaces',
      'partitions, proxies',
      'PostgreSQL failover',
      'simulated clusters',
    ],
    commands: [
      'npm run chaos -- --full kill pauses failover',
      'npm run chaos -- --long partitions',
      'npm run sim -- --seeds 1500',
    ],
  },
  {
    line: 13,
    tested: '100 writers at once with If-None-Match: * or If-Match, 10,000 times',
    passes: 'exactly one wins',
    results: ['races'],
    commands: ['npm run chaos -- --full races'],
  },
  {
    line: 14,
    tested: 'Nodes added, removed and replaced under load',
    passes: 'no request fails; at most 1.2 times the bytes move that must',
    results: ['servers come and go'],
    commands: ['npm run test:servers'],
  },
  {
    line: 15,
    tested: 'A node wiped, of a store of 100,000 objects; the gateway that repairs is killed',
    passes: 'repair goes on and makes all whole; its time and bytes are told',
    results: ['a node wiped'],
    commands: ['npm run test:wiped-node'],
  },
  {
    line: 16,
    tested: 'What each release wrote, read by this version; versions beside each other, up and down',
    passes: 'every object is read; what is newer is refused, and not touched',
    results: ['a store of every release', 'versions beside each other', 'newer versions refused'],
    commands: [`${tap} test/corpus/corpus.test.ts test/cli/scenarios/versions.ts`, 'npm run chaos -- --full versions'],
  },
  {
    line: 17,
    tested: 'PostgreSQL restored to before the chunks; PostgreSQL lost',
    passes: 'what comes back is told for each case; nothing unknown is deleted',
    results: ['PostgreSQL restored', 'PostgreSQL as of a moment', 'PostgreSQL lost'],
    commands: [
      `${tap} test/upkeep/restored.test.ts test/cli/scenarios/point-in-time.ts test/cli/scenarios/rebuild-catalogue.ts`,
    ],
  },
  {
    line: 18,
    tested: '100,000 malformed requests',
    passes: 'no 5xx, no crash, nothing let in',
    results: ['malformed requests'],
    commands: ['npm run fuzz -- --requests 110000'],
  },
  {
    line: 19,
    tested: 'Floods: XML bombs, 100 MB of XML, 10,000 headers, headers of 1 MB, 2,000 slow connections',
    passes: 'memory grows by less than 64 MiB; 99th percentile of others under twice the quiet one',
    results: ['floods'],
    commands: ['npm run fuzz:floods'],
  },
  {
    line: 20,
    tested: 'Smuggling: lengths against codings, doubled headers, bare LF, lengths that lie',
    passes: 'all refused',
    results: ['smuggling'],
    commands: [`${tap} test/s3api/smuggling.test.ts`],
  },
  {
    line: 21,
    tested: '5,000 awkward keys',
    passes: 'they come back as they went in, or are refused with 400',
    results: ['awkward keys'],
    commands: [`SEXTANT_TEST_STORE=whole ${tap} test/fuzz/keys.test.ts`],
  },
  {
    line: 22,
    tested: 'Each operation, by each identity, signed in each way',
    passes: 'as the table says, and refused where it says nothing',
    results: ['authorisation'],
    commands: [`${tap} test/s3api/authorisation.test.ts`],
  },
  {
    line: 23,
    tested: 'A day of mixed load, the gateway in 512 MiB',
    passes: 'memory stays flat',
    results: ['hours of mixed load', 'a day of mixed load'],
    commands: ['npm run soak -- --minutes 60', 'npm run soak'],
  },
  {
    line: 24,
    tested: 'Lifecycle rules and events, through kills',
    passes: 'what is due is done, once; each event comes, those of a key in order',
    results: ['lifecycle through kills', 'events through kills'],
    commands: [`${tap} test/store/scenarios/lifecycle.ts test/store/scenarios/notifications.ts`],
  },
] as const satisfies readonly ScorecardLine[]

export type LineNumber = (typeof scorecard)[number]['line']
export type ResultName = (typeof scorecard)[number]['results'][number]
