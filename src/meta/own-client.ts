import pg from 'pg'

const CONNECT_MS_MAX = 10_000

/** A connection beside the pools, without time limits, for what goes through all of a database. The caller ends it. */
export async function openClient(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: CONNECT_MS_MAX,
  })
  client.on('error', () => {}) // the statement under way tells
  await client.connect()
  return client
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await openClient(url, 'sextant backup')
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {}) // what it answered counts
  }
}
