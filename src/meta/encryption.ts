import type { KeyGenerations } from '../engine/ports/key-generations.ts'
import type { SealedKeys } from '../engine/ports/sealed-keys.ts'
import type { Database } from './database.ts'
import {
  addGeneration,
  currentGeneration,
  listObjectKeys,
  listUploadKeys,
  replaceObjectKeys,
  replaceUploadKeys,
} from './queries/encryption.ts'

export interface EncryptionKeys extends KeyGenerations, SealedKeys {
  /** The next generation of the store's own keys counts from now on. */
  addGeneration(signal: AbortSignal): Promise<number>
}

export function encryptionKeys(database: Database): EncryptionKeys {
  return {
    async currentGeneration(signal) {
      const [generation] = await database.run(currentGeneration, undefined, { signal, repeatable: true })
      return generation!
    },
    async addGeneration(signal) {
      const [generation] = await database.run(addGeneration, undefined, { signal, repeatable: false })
      return generation!
    },
    listObjectKeys: (query, signal) => database.run(listObjectKeys, query, { signal, repeatable: true }),
    listUploadKeys: (query, signal) => database.run(listUploadKeys, query, { signal, repeatable: true }),
    async replaceObjectKeys(changes, signal) {
      await database.run(replaceObjectKeys, changes, { signal, repeatable: true })
    },
    async replaceUploadKeys(changes, signal) {
      await database.run(replaceUploadKeys, changes, { signal, repeatable: true })
    },
  }
}
