import { open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const PRIVATE_MODE = 0o600

export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

/** A file or a directory. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Whole or not at all, whatever crashes; and never readable by others, not even for a moment. */
export async function writePrivately(file: string, content: string): Promise<void> {
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', PRIVATE_MODE)
  try {
    await handle.chmod(PRIVATE_MODE) // one that a killed command left
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await sync(dirname(file))
}
