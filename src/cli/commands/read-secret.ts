import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { CommandFailure, systemCode } from '../failure.ts'

const SECRET_BYTES_MAX = 4096

/**
 * A secret that a command is given: in a file, on standard input (`-`), or, for all on the machine to see, in an option.
 * Undefined: neither. CommandFailure, exit code 2: both, or it cannot be read.
 */
export async function readSecretOption(
  option: string,
  { given, file }: { given: string | undefined; file: string | undefined },
): Promise<string | undefined> {
  if (file === undefined) return given
  if (given !== undefined) throw new CommandFailure(`Give either ${option} or ${option}-file.`, { exitCode: 2 })
  try {
    const read = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
    const secret = read.replace(/\r?\n$/, '')
    if (secret !== '' && secret.length <= SECRET_BYTES_MAX && !secret.includes('\n')) return secret
  } catch (error) {
    throw new CommandFailure(`${option}-file ${file} cannot be read (${systemCode(error)}).`, {
      exitCode: 2,
      cause: error,
    })
  }
  const where = file === '-' ? 'Standard input' : file
  throw new CommandFailure(`${where} has to hold one line, the secret, and nothing else.`, { exitCode: 2 })
}
