import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../failure.ts'
import type { Errand } from './context.ts'

/**
 * Remembers, in a file each, which uploads in parts are under way, so that the next run goes on with them: all else is judged
 * by what the destination has. A note that is lost costs the parts of one object; a note of an upload that is no more, a look.
 */
export interface UploadNotes {
  read(errand: Errand): string | undefined
  write(errand: Errand, uploadId: string): void
  forget(errand: Errand): void
  /** When there is nothing left to remember. */
  close(): void
}

export function openUploadNotes(directory: string, importName: string): UploadNotes {
  const own = join(directory, digest(importName))
  const fileOf = ({ key, version }: Errand) => join(own, digest(JSON.stringify([key, version.versionId, version.etag])))
  return {
    read(errand) {
      try {
        return readFileSync(fileOf(errand), 'utf8').trim() || undefined
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined
        throw error
      }
    },
    write(errand, uploadId) {
      mkdirSync(own, { recursive: true, mode: 0o700 })
      writeFileSync(fileOf(errand), `${uploadId}\n`)
    },
    forget: (errand) => rmSync(fileOf(errand), { force: true }),
    close() {
      for (const empty of [own, directory]) {
        try {
          rmdirSync(empty)
        } catch {
          return // Something is remembered there, or nothing ever was.
        }
      }
    },
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
