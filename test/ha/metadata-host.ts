import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kill } from '../support/up.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/ha/', import.meta.url))

export interface MetadataHostPlan {
  name: 'pg1' | 'pg2' | 'pg3'
  /** What stands for /var/lib on this host. */
  directory: string
  /** For the blanks of deploy/ha/host.env: `SELF`, `PG1`, … */
  blanks: Readonly<Record<string, string>>
}

/** `replication`: the processes of PostgreSQL that send its log to the standbys. */
type ProcessKind = 'all' | 'PostgreSQL' | 'replication' | 'Patroni' | 'etcd'

/** One of the three hosts of deploy/ha, with etcd, Patroni and its PostgreSQL, on an address of this machine. */
export class MetadataHost {
  readonly name: string
  readonly address: string
  readonly #plan: MetadataHostPlan
  readonly #env: Readonly<Record<string, string>>
  #etcd: ChildProcess | undefined
  #patroni: ChildProcess | undefined

  constructor(plan: MetadataHostPlan) {
    this.#plan = plan
    this.name = plan.name
    this.address = plan.blanks.SELF!
    this.#env = hostEnvironment(plan)
  }

  /** Everything that is not running. */
  async start(): Promise<void> {
    await makeOwn(join(this.#plan.directory, 'etcd'))
    await makeOwn(join(this.#plan.directory, 'postgresql'))
    // A copy, for a checkout may lie where PostgreSQL's user cannot go.
    const settings = join(this.#plan.directory, 'patroni.yml')
    await copyFile(join(DEPLOY, 'patroni.yml'), settings)
    if (!isRunning(this.#etcd)) this.#etcd = this.#spawn('etcd', [])
    if (!isRunning(this.#patroni)) this.#patroni = this.#spawn('patroni', [settings])
  }

  /** What Patroni says under this path, and whether with 200; undefined when it does not answer. */
  async ask(path: string): Promise<{ ok: boolean; body: unknown } | undefined> {
    try {
      const answer = await fetch(`http://${this.address}:8008${path}`, { signal: AbortSignal.timeout(2_000) })
      return { ok: answer.ok, body: await answer.json() }
    } catch {
      return undefined
    }
  }

  /** etcd of this host leads the others. */
  async leadsEtcd(): Promise<boolean> {
    try {
      const init = { method: 'POST', body: '{}', signal: AbortSignal.timeout(2_000) }
      const answer = await fetch(`http://${this.address}:2379/v3/maintenance/status`, init)
      const { header, leader } = (await answer.json()) as { header: { member_id: string }; leader: string }
      return header.member_id === leader
    } catch {
      return false
    }
  }

  /** To these of its processes, and all that they started. PostgreSQL's are Patroni's too, until Patroni dies. */
  signal(signal: NodeJS.Signals, what: ProcessKind = 'all'): void {
    const postmaster = this.#postmaster()
    const postgres = postmaster === undefined ? [] : treeOf(postmaster)
    const patroni = isRunning(this.#patroni) ? treeOf(this.#patroni.pid!) : []
    const etcd = isRunning(this.#etcd) ? [this.#etcd.pid!] : []
    const alone = patroni.filter((pid) => !postgres.includes(pid))
    const replication = postgres.filter((pid) => / walsender /.test(commandOf(pid)))
    const meant = { all: [...alone, ...postgres, ...etcd], PostgreSQL: postgres, Patroni: alone, etcd, replication }[
      what
    ]
    for (const pid of meant) kill(pid, signal)
  }

  /** The end of what this host said; for somebody who wants to know why. */
  lastLines(): string {
    return ['etcd', 'patroni'].map((name) => readFileSync(this.#logOf(name), 'utf8').slice(-3_000)).join('\n')
  }

  #postmaster(): number | undefined {
    try {
      const directory = this.#env.PATRONI_POSTGRESQL_DATA_DIR!
      const pid = Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0])
      // The file outlives a kill, and the number may be somebody else's by then.
      return readlinkSync(`/proc/${pid}/cwd`) === directory ? pid : undefined
    } catch {
      return undefined
    }
  }

  #spawn(command: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.#logOf(command), 'a')
    // As in deploy/ha/systemd/patroni.conf.
    const umask = process.umask(0o077)
    const child = spawn(command, args, {
      ...postgresUser(),
      cwd: '/',
      env: { ...this.#env },
      stdio: ['ignore', log, log],
    })
    process.umask(umask)
    closeSync(log)
    child.on('error', () => {}) // not installed: whoever waits for it to serve hears of it
    return child
  }

  #logOf(name: string): string {
    return join(this.#plan.directory, `${name}.log`)
  }
}

/** deploy/ha/host.env, filled in, with its directories under the host's own. */
export function hostEnvironment({ name, directory, blanks }: MetadataHostPlan): Record<string, string> {
  const filled = Object.entries({ ...blanks, NAME: name }).reduce(
    (text, [blank, value]) => text.replaceAll(`@${blank}@`, value),
    readFileSync(join(DEPLOY, 'host.env'), 'utf8'),
  )
  const left = /@\w+@/.exec(filled.replace(/^#.*$/gm, ''))
  if (left) throw new Error(`deploy/ha/host.env has a blank that the test does not know: ${left[0]}`)
  const lines = filled.split('\n').filter((line) => /^\w+=/.test(line))
  const own = lines.map((line) => line.replaceAll('/var/lib/', `${directory}/`))
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    ...Object.fromEntries(own.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])),
  }
}

/** PostgreSQL does not run as root: as the user that Debian's package made. */
export function postgresUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}

async function makeOwn(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { uid, gid } = postgresUser()
  if (uid !== undefined) spawnSync('chown', ['-R', '--no-dereference', `${uid}:${gid}`, directory])
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return '' // it ended meanwhile
  }
}

/** Pids of a process and its descendants. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const afterName = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)!
      parents.set(Number(name), Number(afterName.split(' ')[1]))
    } catch {
      // It ended meanwhile.
    }
  }
  if (!parents.has(root)) return []
  const found = [root]
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child)
  }
  return found
}
