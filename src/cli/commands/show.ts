import type { Restore } from '../../upkeep/ports/restores.ts'

/** Numbers, and what recurs, as people read it. */

/** To a tenth of the largest unit that fits. */
export function showRounded(bytes: number): string {
  for (const [unit, size] of Object.entries({ TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 }))
    if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`
  return `${Math.round(bytes)} B`
}

export function showCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}

/** `about 3 min`: in the largest unit of which there are two. */
export function showSeconds(seconds: number): string {
  for (const [unit, size] of Object.entries({ days: 86_400, h: 3_600, min: 60 }))
    if (seconds >= 2 * size) return `about ${Math.round(seconds / size)} ${unit}`
  return `${Math.ceil(seconds)} s`
}

/** What it means, and what to do. */
export function showRestore({ kind, restoredAt, takenAt, servers }: Restore): string {
  const how = {
    backup: `from a backup${takenAt ? ` of ${takenAt.toISOString()}` : ''}`,
    rebuild: 'rebuilt from the storage nodes',
    recognised: `by what server${servers.length === 1 ? '' : 's'} ${servers.join(', ')} know${servers.length === 1 ? 's' : ''}, this database was put back to an older state`,
  }[kind]
  return `${restoredAt.toISOString()}: ${how}; chunks that it does not know are kept until \`sextant orphans --release\``
}
