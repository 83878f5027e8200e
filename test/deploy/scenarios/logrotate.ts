import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { isMissing } from '../../support/programs.ts'
import { eventually } from '../../support/store.ts'
import { dataDirectory, processesOn, sextant } from '../../support/up.ts'

const CONFIG = fileURLToPath(new URL('../../../deploy/logrotate/sextant', import.meta.url))
const ROTATIONS = 3
const LINES_MIN = 10

function linesOf(path: string): string[] {
  if (!existsSync(path)) return []
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').filter(Boolean)
}

/** Whether a process of that store has the file open. */
async function isOpen(directory: string, path: string): Promise<boolean> {
  const pids = (await processesOn(directory)).map(({ pid }) => pid)
  return pids.some((pid) => openFiles(pid).some((fd) => targetOf(`/proc/${pid}/fd/${fd}`) === path))
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch {
    return [] // it has ended
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch {
    return undefined // it was closed
  }
}

t.test(
  'logrotate with deploy/logrotate: every request is in the audit log or in what was made of it, once',
  { skip: isMissing('logrotate') },
  async (t) => {
    const directory = await dataDirectory(t)
    const path = join(directory, 'audit.log')
    const config = join(directory, 'logrotate.conf')
    const own = readFileSync(CONFIG, 'utf8')
      .replace('/var/log/sextant/audit.log', path)
      .replace(/^\tsu .*\n/m, '')
    writeFileSync(config, own, { mode: 0o600 })
    const running = sextant(directory, ['up', '--json'], { SEXTANT_AUDIT_LOG: path, SEXTANT_WORKERS: '2' })
    const { endpoint } = await running.ready

    const ids: string[] = []
    let isOver = false
    const asking = (async () => {
      while (!isOver) {
        const answer = await fetch(`${endpoint}/bucket/key`)
        ids.push(answer.headers.get('x-amz-request-id')!)
        await answer.bytes()
      }
    })()
    const isTakenUp = async () => linesOf(path).length > LINES_MIN && !(await isOpen(directory, `${path}.1`))
    for (let n = 0; n < ROTATIONS; n++) {
      await eventually('all gateways write to the file', 60_000, isTakenUp)
      execFileSync('logrotate', ['--force', '--state', join(directory, 'state'), config])
    }
    await eventually('all gateways write to the last file', 60_000, isTakenUp)
    isOver = true
    await asking
    running.child.kill('SIGTERM')
    await running.ended

    const files = readdirSync(directory).filter((name) => name.startsWith('audit.log'))
    t.same(files.sort(), ['audit.log', 'audit.log.1', 'audit.log.2.gz', 'audit.log.3.gz'])
    const told = files.flatMap((name) => {
      const lines = linesOf(join(directory, name))
      t.ok(lines.length > LINES_MIN, `${lines.length} lines in ${name}`)
      return lines.map((line) => JSON.parse(line).requestId as string)
    })
    t.same(told.sort(), ids.sort())
  },
)
