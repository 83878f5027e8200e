import type { Failure } from './fuzz.ts'

const SHOWN_BYTES_MAX = 4096

/** What went wrong, how to make it again, and the very bytes. */
export function showFailure({ case: made, outcome, problem }: Failure, seed: number): string {
  const replay = `npm run fuzz -- --seed ${seed}`
  if (!made) return `${problem}\n  again: ${replay} --from N --requests N, as above`
  return [
    `case ${made.serial}: ${problem}`,
    `  theme: ${made.theme} (${made.notes.join(', ')}), it should be: ${made.verdict}`,
    `  again: ${replay} --from ${made.serial} --requests 1`,
    ...made.pieces.map((piece) => `  sent: ${quoted(piece)}`),
    ...(outcome ? [`  answer: ${quoted(outcome.received)}`] : []),
  ].join('\n')
}

/** For printf(1): every byte that is no plain character as an escape. */
function quoted(bytes: Buffer): string {
  const text = bytes.subarray(0, SHOWN_BYTES_MAX).toString('latin1')
  const escaped = text.replaceAll(
    /[^\x20-\x7e]|['\\%]/g,
    (char) => NAMED[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  const left = bytes.length - SHOWN_BYTES_MAX
  return `'${escaped}'${left > 0 ? ` and ${left} bytes more` : ''}`
}

const NAMED: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\', '%': '%%' }
