/** What an If-Match or If-None-Match header names: `*`, or ETags without their quotes. */
export type ETagList = '*' | readonly ListedETag[]

export interface ListedETag {
  /** Unquoted. */
  value: string
  isWeak: boolean
}

/** Quoted or bare, as clients of S3 send them; RFC 9110, section 13.1.1. Empty items are skipped. */
export function parseETagList(header: string): ETagList {
  if (header.trim() === '*') return '*'
  const tags: ListedETag[] = []
  for (const found of header.matchAll(ITEM)) {
    const value = found[2] ?? found[3]
    if (value !== undefined) tags.push({ value, isWeak: found[1] !== undefined })
  }
  return tags
}

/**
 * Whether the object's ETag (unquoted) is listed. If-Match compares strongly: a weak one never matches; If-None-Match
 * weakly. RFC 9110, section 8.8.3.2. Our ETags are all strong.
 */
export function listsETag(list: ETagList, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list === '*') return true
  return list.some((tag) => tag.value === etag && (comparison === 'weak' || !tag.isWeak))
}

/** `W/"…"`, `"…"`, or a bare word; linear, for each alternative begins with a character of its own. */
const ITEM = /(W\/)?"([^"]*)"|([^\s,"]+)/g
