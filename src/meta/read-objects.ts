import type { ListedObject, ListedVersion, ObjectPage, VersionPage } from '../base/model.ts'
import type { Catalogue, ListQuery, ObjectQuery } from '../engine/ports/catalogue.ts'
import { makeBatcher } from './batch.ts'
import type { Databases } from './databases.ts'
import { type FoundObject, findCurrentObjects, findObjectVersions } from './queries/find-object.ts'
import { findOwners, findVersionOwners } from './queries/find-owners.ts'
import { findLayouts } from './queries/find-parts.ts'
import { listKeys, listRolledUp } from './queries/list-objects.ts'
import { listVersions } from './queries/list-versions.ts'
import type { Statement } from './statement.ts'

/** Look-ups that wait together travel together. */
export function objectReads({
  hot,
  general,
  clock,
  batched,
}: Databases): Pick<Catalogue, 'findObject' | 'findParts' | 'findOwners' | 'listObjects' | 'listVersions'> {
  const finder = (statement: Statement<readonly ObjectQuery[], FoundObject>) =>
    makeBatcher<ObjectQuery, FoundObject>({
      lanesMax: 2,
      weightMax: 64,
      waitingMax: 10_000,
      run: (queries) => hot.run(statement, queries, { repeatable: true }),
      onAbort: 'leave',
      clock,
      statement: statement.name,
      told: batched,
    })
  const current = finder(findCurrentObjects)
  const versions = finder(findObjectVersions)
  return {
    findObject: (query, signal) => (query.versionId === undefined ? current : versions).submit(query, signal),
    findParts: (partIds, signal) => general.run(findLayouts, partIds, { signal, repeatable: true }),
    async listObjects(query, signal) {
      if (query.rowsMax === 0) return { objects: [], commonPrefixes: [], isTruncated: false, next: undefined }
      const statement = query.delimiter === '' ? listKeys : listRolledUp
      const oneMore = { ...query, rowsMax: query.rowsMax + 1 }
      const [rows] = await general.run(statement, oneMore, { signal, repeatable: true })
      return toPage(query, rows!)
    },
    async findOwners(query, signal) {
      const statement = query.versions[0]?.versionId === undefined ? findOwners : findVersionOwners
      return await general.run(statement, query, { signal, repeatable: true })
    },
    async listVersions(query, signal) {
      if (query.rowsMax === 0) return toVersionPage([], 0)
      const oneMore = { ...query, rowsMax: query.rowsMax + 1 }
      const [rows] = await general.run(listVersions, oneMore, { signal, repeatable: true })
      return toVersionPage(rows!, query.rowsMax)
    },
  }
}

function toPage({ rowsMax }: ListQuery, rows: readonly (string | ListedObject)[]): ObjectPage {
  const shown = rows.slice(0, rowsMax)
  const isTruncated = rows.length > rowsMax
  const last = shown.at(-1)
  return {
    objects: shown.filter((row) => typeof row !== 'string'),
    commonPrefixes: shown.filter((row) => typeof row === 'string'),
    isTruncated,
    next: isTruncated ? (typeof last === 'string' ? last : last!.key) : undefined,
  }
}

function toVersionPage(rows: readonly (string | ListedVersion)[], rowsMax: number): VersionPage {
  const shown = rows.slice(0, rowsMax)
  const isTruncated = rows.length > rowsMax
  const last = isTruncated ? shown.at(-1) : undefined
  return {
    versions: shown.filter((row) => typeof row !== 'string'),
    commonPrefixes: shown.filter((row) => typeof row === 'string'),
    isTruncated,
    nextKey: typeof last === 'string' ? last : last?.key,
    nextVersionId: typeof last === 'string' ? undefined : last?.versionId,
  }
}
