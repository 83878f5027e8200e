import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RESULTS } from './report/results.ts'

/** `npm run bench:micro -- [--only NAME,…] [--save NAME [--results DIR]]`: the programs in bench/micro, one after the other. */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    save: { type: 'string' },
    results: { type: 'string', default: RESULTS },
  },
})
const DIRECTORY = join(import.meta.dirname, 'micro')
const all = readdirSync(DIRECTORY).map((file) => file.replace(/\.ts$/, ''))
const chosen = values.only?.split(',') ?? all.sort()
const unknown = chosen.filter((name) => !all.includes(name))
if (unknown.length > 0) throw new Error(`--only: no ${unknown.join(', ')} among ${all.join(', ')}`)

let said = ''
for (const name of chosen) await run(name)
if (values.save) {
  const directory = join(values.results, values.save)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'micro.txt'), said)
}

async function run(name: string): Promise<void> {
  say(`${said === '' ? '' : '\n'}# ${name}\n`)
  const child = spawn(process.execPath, [join(DIRECTORY, `${name}.ts`)], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.setEncoding('utf8').on('data', say)
  const [code] = await once(child, 'close')
  if (code !== 0) process.exitCode = 1
}

function say(text: string): void {
  said += text
  process.stdout.write(text)
}
