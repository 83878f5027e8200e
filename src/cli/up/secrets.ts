import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../base/clock.ts'
import type { Settings } from '../../base/config.ts'
import { CommandFailure, systemCode } from '../failure.ts'
import { writePrivately } from '../files.ts'

export interface Secrets {
  root: RootCredentials
  sealingKey: Buffer
  clusterToken: string
}

export interface RootCredentials {
  accessKeyId: string
  secretAccessKey: string
}

type Given = Pick<Settings, 'rootAccessKeyId' | 'rootSecretAccessKey' | 'sealingKey' | 'clusterToken'>

/** What the store keeps secret: from the environment where given, else as made at the first start. Files have mode 0600. */
export async function loadSecrets(directory: string, given: Given, random: Random): Promise<Secrets> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  return {
    root: await loadRoot(join(directory, 'root-credentials.json'), given, random),
    sealingKey: await loadSealingKey(join(directory, 'sealing-key'), given.sealingKey, random),
    clusterToken:
      given.clusterToken ?? (await keep(join(directory, 'cluster-token'), () => random.bytes(32).toString('hex'))),
  }
}

/** From the environment if it is there, and then kept, so that a later start without it has the same. */
async function loadRoot(file: string, given: Given, random: Random): Promise<RootCredentials> {
  const fromEnvironment = rootFromSettings(given)
  if (fromEnvironment) {
    const content = serializeRoot(fromEnvironment)
    if ((await readIfThere(file)) !== content) await writePrivately(file, content)
    return fromEnvironment
  }
  const made = { accessKeyId: makeAccessKeyId(random), secretAccessKey: makeSecretAccessKey(random) }
  return parseRoot(file, await keep(file, () => serializeRoot(made)))
}

/** Both or neither, else a CommandFailure. */
export function rootFromSettings({
  rootAccessKeyId: accessKeyId,
  rootSecretAccessKey: secretAccessKey,
}: Pick<Given, 'rootAccessKeyId' | 'rootSecretAccessKey'>): RootCredentials | undefined {
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new CommandFailure(
      'SEXTANT_ROOT_ACCESS_KEY_ID and SEXTANT_ROOT_SECRET_ACCESS_KEY belong together: set both or neither.',
      { exitCode: 2 },
    )
  return { accessKeyId, secretAccessKey }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** 20 characters, as AWS makes them; 80 random bits. */
export function makeAccessKeyId(random: Random): string {
  return `AKIA${Array.from(random.bytes(16), (byte) => BASE32[byte & 31]).join('')}`
}

/** 40 characters without + and /, which get lost in URLs and shells; 238 random bits. */
export function makeSecretAccessKey(random: Random): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  return Array.from({ length: 40 }, () => letters[random.integer(letters.length)]).join('')
}

async function loadSealingKey(file: string, given: Buffer | undefined, random: Random): Promise<Buffer> {
  const kept = await readIfThere(file)
  if (given && kept !== undefined && kept.trim() !== given.toString('hex'))
    throw new CommandFailure(
      `SEXTANT_SEALING_KEY is not the key in ${file}, with which the stored secrets were sealed: unset it, or remove the file if the database is a new one.`,
    )
  if (given) return given
  const coded = await keep(file, () => random.bytes(32).toString('hex'))
  const key = Buffer.from(coded.trim(), 'hex')
  if (key.length !== 32) throw new CommandFailure(`${file} is damaged: it must hold 64 hex digits.`)
  return key
}

/** What the file holds; made and written first if there is no such file. */
async function keep(file: string, make: () => string): Promise<string> {
  const kept = await readIfThere(file)
  if (kept !== undefined) return kept.trim()
  const made = make()
  await writePrivately(file, made)
  return made.trim()
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    const content = await readFile(file, 'utf8')
    await chmod(file, 0o600)
    return content
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new CommandFailure(`${file} cannot be read (${systemCode(error)}).`, { cause: error })
  }
}

function serializeRoot(root: RootCredentials): string {
  return `${JSON.stringify({ accessKeyId: root.accessKeyId, secretAccessKey: root.secretAccessKey })}\n`
}

/** Fault: CommandFailure. */
export function parseRoot(file: string, content: string): RootCredentials {
  try {
    const { accessKeyId, secretAccessKey } = JSON.parse(content) as Partial<RootCredentials>
    if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') return { accessKeyId, secretAccessKey }
  } catch {
    // Told below, in one sentence.
  }
  throw new CommandFailure(`${file} is damaged: it must hold {"accessKeyId": …, "secretAccessKey": …}.`)
}
