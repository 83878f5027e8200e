import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DoctorContext } from './context.ts'

/** The directory itself, or that in which it would be made. */
export async function nearestThatExists(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() || dirname(path) === path ? path : await nearestThatExists(dirname(path))
}

/**
 * Where data lies, or will: a directory of each file system. Those of `sextant up` may be disks of their own, mounted
 * below the data directory.
 */
export async function dataPlaces({ paths }: Pick<DoctorContext, 'paths'>): Promise<string[]> {
  const nodes = await readdir(join(paths.root, 'nodes')).catch(() => [])
  const candidates = [paths.root, ...nodes.map((name) => join(paths.root, 'nodes', name)), paths.postgres]
  const byDevice = new Map<number, string>()
  for (const candidate of candidates) {
    const place = await nearestThatExists(candidate)
    const { dev } = await stat(place)
    if (!byDevice.has(dev)) byDevice.set(dev, place)
  }
  return [...byDevice.values()]
}
