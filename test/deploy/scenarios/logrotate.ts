import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { isMissing } from '../../support/programs.ts'
import { dataDirectory, sextant } from '../../support/up.ts'

const CONFIG = fileURLToPath(new URL('../../../deploy/logrotate/sextant', import.meta.url))
const ROTATIONS = 3
/** Within which a gateway makes the file anew. */
const LOOK_MS = 2_000

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
    for (let n = 0; n < ROTATIONS; n++) {
      await sleep(LOOK_MS * 1.5)
      execFileSync('logrotate', ['--force', '--state', join(directory, 'state'), config])
    }
    await sleep(LOOK_MS * 1.5)
    isOver = true
    await asking
    running.child.kill('SIGTERM')
    await running.ended

    const files = readdirSync(directory).filter((name) => name.startsWith('audit.log'))
    t.same(files.sort(), ['audit.log', 'audit.log.1', 'audit.log.2.gz', 'audit.log.3.gz'])
    const told = files.flatMap((name) => {
      const bytes = readFileSync(join(directory, name))
      const lines = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trim().split('\n')
      t.ok(lines.length > 10, `${lines.length} lines in ${name}`)
      return lines.map((line) => JSON.parse(line).requestId as string)
    })
    t.same(told.sort(), ids.sort())
  },
)
