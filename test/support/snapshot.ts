import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { execute } from './postgres.ts'

/** Copies of a database as it is, made by PostgreSQL itself: a backup without its tools. Whoever is connected is put out. */

/** Answers the copy's URL, on the same server. */
export async function snapshot(url: string): Promise<string> {
  const copy = new URL(url)
  copy.pathname = `/sextant_test_${randomBytes(6).toString('hex')}`
  await copyAlone(url, copy.href)
  return copy.href
}

/** Puts the database back to what it was. */
export async function restore(url: string, copyUrl: string): Promise<void> {
  await closeDatabase(url)
  await execute(adminUrl(url), `drop database ${nameOf(url)} with (force)`)
  await copyAlone(copyUrl, url)
}

async function copyAlone(from: string, to: string): Promise<void> {
  await closeDatabase(from)
  await execute(adminUrl(from), `create database ${nameOf(to)} template ${nameOf(from)}`)
  for (const url of [from, to]) await execute(adminUrl(url), `alter database ${nameOf(url)} allow_connections true`)
}

/** Resolves when nobody is connected, nor can be. */
async function closeDatabase(url: string): Promise<void> {
  await execute(adminUrl(url), `alter database ${nameOf(url)} allow_connections false`)
  for (;;) {
    const others = await execute(
      adminUrl(url),
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [nameOf(url)],
    )
    if (others.length === 0) return
    await sleep(50)
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

function adminUrl(url: string): string {
  const admin = new URL(url)
  admin.pathname = '/postgres'
  return admin.href
}
