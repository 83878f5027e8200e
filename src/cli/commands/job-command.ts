import { type Command, Option } from 'commander'
import { systemClock } from '../../base/system.ts'
import { printJson } from '../output.ts'

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
}

const LOOK_MS = 1_000

/** `sextant NAME [--status | --pause | --resume] [--wait] [--json]`. */
export function addJobCommand<S>(program: Command, { name, description, help, work }: JobCommand<S>): void {
  program
    .command(name)
    .description(description)
    .addOption(new Option('--status', 'only tell how it stands').conflicts(['pause', 'resume', 'wait']))
    .addOption(new Option('--pause', 'stop it, until it is resumed; it keeps its place').conflicts(['resume', 'wait']))
    .addOption(new Option('--resume', 'let it go on after --pause').conflicts(['wait']))
    .addOption(new Option('--wait', 'show its progress until it is done'))
    .option('--json', 'as one line of JSON')
    .addHelpText('after', `\n${help}`)
    .action(async (options: JobOptions) => {
      const job = await work()
      await act(job, options)
      const status = await job.read()
      if (options.json) printJson(status)
      else process.stdout.write(`${job.lines(status).join('\n')}\n`)
    })
}

async function act<S>(job: JobWork<S>, { status, pause, resume, wait, json }: JobOptions): Promise<void> {
  if (status) return
  if (pause || resume) return await job.pause(pause ?? false)
  const isDone = await job.start()
  if (wait) await waitFor(job, isDone, json ? () => {} : progressLine())
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

/** A line whenever it changes; on a terminal, over the one before, and gone at the end. */
function progressLine(): (line: string) => void {
  const isTerminal = process.stdout.isTTY ?? false
  let last = ''
  return (line) => {
    if (isTerminal) process.stdout.write(`\r\x1b[K${line}`)
    else if (line !== last && line !== '') process.stdout.write(`${line}\n`)
    last = line
  }
}
