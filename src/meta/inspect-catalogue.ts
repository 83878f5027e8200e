import type pg from 'pg'
import type { Random } from '../base/clock.ts'
import { withClient } from './own-client.ts'
import { auditFaults } from './queries/fsck.ts'
import { makeSealer, type Sealer } from './seal.ts'

export interface CatalogueContents {
  accounts: number
  buckets: number
  objects: number
  parts: number
  uploads: number
  /** Of all objects together. */
  sizeBytes: number
  /** Whether the sealing key at hand opens the access keys' secrets; null: there is no key at hand, or no access key. */
  opensSecrets: boolean | null
}

/** Random access keys of which the secret is tried. */
const SECRETS_TRIED = 100

/**
 * Reads all of a catalogue, on a server that nobody else uses: every page of every table and index is checked by
 * PostgreSQL's amcheck where there is one, and all tables are checked against each other. Throws what is wrong.
 */
export async function checkCatalogue(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await checkStructure(client)
    await checkReferences(client)
  })
}

export async function countCatalogue(
  url: string,
  { sealingKey, random }: { sealingKey: Buffer | undefined; random: Random },
): Promise<CatalogueContents> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<Record<keyof Omit<CatalogueContents, 'opensSecrets'>, string>>(`
      select (select count(*) from accounts) as accounts, (select count(*) from buckets) as buckets,
             (select count(*) from parts) as parts, count(*) as objects, coalesce(sum(size_bytes), 0) as "sizeBytes",
             (select count(*) from upload_sessions where kind = 'multipart' and state = 'open') as uploads
        from objects`)
    const { accounts, buckets, objects, parts, uploads, sizeBytes } = rows[0]!
    return {
      accounts: Number(accounts),
      buckets: Number(buckets),
      objects: Number(objects),
      parts: Number(parts),
      uploads: Number(uploads),
      sizeBytes: Number(sizeBytes),
      opensSecrets: sealingKey ? await opensSecrets(client, makeSealer(sealingKey, random)) : null,
    }
  })
}

/** https://www.postgresql.org/docs/current/amcheck.html */
async function checkStructure(client: pg.Client): Promise<void> {
  const { rows: known } = await client.query(`select from pg_available_extensions where name = 'amcheck'`)
  if (known.length === 0) return
  await client.query('create extension if not exists amcheck')
  const { rows: damages } = await client.query<{ table: string; msg: string }>(`
    select c.relname as table, v.msg from pg_class c, verify_heapam(c.oid) v
     where c.relkind = 'r' and c.relpersistence = 'p' limit 1`)
  if (damages[0]) throw new Error(`table ${damages[0].table} is damaged: ${damages[0].msg}`)
  // Also that every row of the table is in the index.
  await client.query(`
    select bt_index_check(c.oid, true) from pg_class c join pg_index i on i.indexrelid = c.oid
      join pg_am a on a.oid = c.relam where a.amname = 'btree' and c.relpersistence = 'p' and i.indisvalid`)
}

/** All tables against each other, as fsck does. */
async function checkReferences(client: pg.Client): Promise<void> {
  for (const { what, text } of auditFaults) {
    const { rows } = await client.query<{ example: string }>(`${text} limit 1`)
    if (rows[0]) throw new Error(`there are ${what}, for example ${rows[0].example}`)
  }
}

async function opensSecrets(client: pg.Client, sealer: Sealer): Promise<boolean | null> {
  const { rows } = await client.query<{ id: string; sealed: Buffer }>(
    `select access_key_id as id, sealed_secret as sealed from access_keys limit ${SECRETS_TRIED}`,
  )
  if (rows.length === 0) return null
  try {
    for (const { id, sealed } of rows) sealer.open(sealed, id)
    return true
  } catch {
    return false
  }
}
