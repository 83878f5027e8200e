import type { Clock } from '../../base/clock.ts'

/** How often a line that changes all the time is shown: in a log it stays. */
const SHOW_MS = { terminal: 1_000, plain: 10_000 }

/** A line whenever it changes; on a terminal, over the one before, and gone at the end (an empty line). */
export function progressLine(isSilent: boolean | undefined): (line: string) => void {
  if (isSilent) return () => {}
  const isTerminal = process.stdout.isTTY ?? false
  let last = ''
  return (line) => {
    if (isTerminal) process.stdout.write(`\r\x1b[K${line}`)
    else if (line !== last && line !== '') process.stdout.write(`${line}\n`)
    last = line
  }
}

/** Shows what `line` says of the time since now, again and again until it is disposed. */
export function repeatProgress(
  clock: Clock,
  progress: (line: string) => void,
  line: (seconds: number) => string,
): Disposable {
  const everyMs = process.stdout.isTTY ? SHOW_MS.terminal : SHOW_MS.plain
  const startedMs = clock.nowMs()
  const show = () => {
    progress(line((clock.nowMs() - startedMs) / 1000))
    timer = clock.after(everyMs, show)
  }
  let timer = clock.after(everyMs, show)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
