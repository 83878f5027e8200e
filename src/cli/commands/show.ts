/** Numbers as people read them. */

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
