import { statfs } from 'node:fs/promises'
import { reserveOf } from '../../../storage-node/disk/disk-health.ts'
import { showRounded } from '../../commands/show.ts'
import { type Check, type Finding, failure, ok, skipped, warning } from '../check.ts'
import { dataPlaces } from '../places.ts'

export const freeSpace: Check = {
  name: 'free space',
  async run(context) {
    if (context.role === 'gateway') return skipped('a gateway keeps no data')
    const places = await dataPlaces(context)
    return await Promise.all(places.map((place) => judge(place, context.settings.nodeReserveBytes)))
  },
}

async function judge(place: string, given: number | undefined): Promise<Finding> {
  const { bsize, blocks, bavail } = await statfs(place)
  const freeBytes = bavail * bsize
  const reserveBytes = reserveOf(blocks * bsize, given)
  const told = `${showRounded(freeBytes)} of ${showRounded(blocks * bsize)} are free at ${place}`
  const todo = 'delete something, add a disk, or set SEXTANT_NODE_RESERVE_BYTES lower'
  if (freeBytes < reserveBytes)
    return failure(`${told}, less than the reserve of ${showRounded(reserveBytes)}, so puts are refused: ${todo}.`)
  if (freeBytes < 2 * reserveBytes)
    return warning(
      `${told}, less than twice the reserve of ${showRounded(reserveBytes)}, so no new chunks come: ${todo}.`,
    )
  return ok(told)
}
