import { type Command, Option } from 'commander'
import { systemClock } from '../../base/system.ts'
import { printJson } from '../output.ts'
import { progressLine } from './progress-line.ts'

export interface JobOptions {
  status?: true
  pause?: true
  resume?: true
  wait?: true
  json?: true
}

/** What a command on a job does with its options, besides printing. `S`: what it tells of the job. */
export interface JobWork<S> {
  /** Starts it, if it is not at work already; answers by what one sees that it is done. */
  start(): Promise<(status: S) => boolean>
  pause(isPaused: boolean): Promise<void>
  read(): Promise<S>
  /** For people, a line each. */
  lines(status: S): string[]
  /** In one line, with rate and time left. */
  progress(status: S): string
}

export interface JobCommand<S> {
  name: string
  description: string
  help: string
  /** Loaded when the command runs. */
  work(): Promise<JobWork<S>>
  /** What else it may be asked for, instead of starting the job: each by an option of its own. */
  asks?: readonly JobAsk[]
}

export interface JobAsk {
  /** `--dry-run` */
  flag: string
  about: string
  /** For programs, and for people. */
  run(): Promise<{ told: unknown; lines: string[] }>
}

const LOOK_MS = 1_000

/** `sextant NAME [--status | --pause | --resume] [--wait] [--json]`. */
export function addJobCommand<S>(program: Command, order: JobCommand<S>): void {
  const { name, description, help, work, asks = [] } = order
  const extras = asks.map((ask) => ({ ask, option: new Option(ask.flag, ask.about) }))
  const command = program
    .command(name)
    .description(description)
    .addOption(new Option('--status', 'only tell how it stands').conflicts(['pause', 'resume', 'wait']))
    .addOption(new Option('--pause', 'stop it, until it is resumed; it keeps its place').conflicts(['resume', 'wait']))
    .addOption(new Option('--resume', 'let it go on after --pause').conflicts(['wait']))
    .addOption(new Option('--wait', 'show its progress until it is done'))
    .option('--json', 'as one line of JSON')
    .addHelpText('after', `\n${help}`)
    .action(async (options: JobOptions) => {
      const asked = extras.find(({ option }) => option.attributeName() in options)?.ask
      if (asked) {
        const { told, lines } = await asked.run()
        return options.json ? printJson(told) : printLines(lines)
      }
      const job = await work()
      await act(job, options)
      const status = await job.read()
      if (options.json) printJson(status)
      else printLines(job.lines(status))
    })
  for (const { option } of extras) command.addOption(option.conflicts(['status', 'pause', 'resume', 'wait']))
}

function printLines(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function act<S>(job: JobWork<S>, { status, pause, resume, wait, json }: JobOptions): Promise<void> {
  if (status) return
  if (pause || resume) return await job.pause(pause ?? false)
  const isDone = await job.start()
  if (wait) await waitFor(job, isDone, progressLine(json))
}

async function waitFor<S>(
  job: JobWork<S>,
  isDone: (status: S) => boolean,
  show: (line: string) => void,
): Promise<void> {
  for (;;) {
    const status = await job.read()
    show(job.progress(status))
    if (isDone(status)) return show('')
    await systemClock.sleep(LOOK_MS)
  }
}
