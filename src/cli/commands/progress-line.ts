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
