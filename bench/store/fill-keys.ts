import pg from 'pg'

/** Keys of four levels: 10, then 100, then a thousandth of all, then one. */
const DEEP = `'a' || n % 10 || '/b' || lpad((n / 10 % 100)::text, 2, '0') || '/c' || lpad((n / 1000)::text, 4, '0') || '/' || md5(n::text)`
/** Keys side by side in one folder. */
const FLAT = `'flat/' || lpad(n::text, 8, '0')`

/** Keys `from` ≤ n < `to` of both shapes, straight into the catalogue: a million take half a minute, not an hour of PUTs. */
export async function fillKeys(url: string, bucket: string, { from, to }: { from: number; to: number }): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const key of [DEEP, FLAT]) {
      await client.query(
        `insert into objects (bucket_id, key, version_id, is_latest, size_bytes, etag, storage_class, headers, user_metadata,
                              part_numbers, part_ids, part_sizes, part_checksums)
         select b.bucket_id, ${key}, 'null', true, 5, md5(n::text), 'STANDARD', '{}', '{}', '{1}', '{null}', '{5}', '{null}'
           from buckets b, generate_series($2::int, $3::int) as n
          where b.name = $1`,
        [bucket, from, to - 1],
      )
    }
    await client.query('vacuum analyze objects')
  } finally {
    await client.end()
  }
}

/** Of those side by side. */
export const flatKey = (n: number): string => `flat/${String(n).padStart(8, '0')}`
