/** One character that a well-formed text cannot hold stands for each wildcard, so that what is put in for a variable is no pattern. */
export const ANY_ONE = '\ud800'
export const ANY_MANY = '\ud801'

/** `*` is any number of characters, `?` is one. */
export function withWildcards(text: string): string {
  return text.replaceAll('*', ANY_MANY).replaceAll('?', ANY_ONE)
}

/**
 * Whether the pattern is the whole text. Only the last `*` is ever tried again, so that the time is at most the product of
 * both lengths, whatever the pattern.
 */
export function matchesWildcards(pattern: string, text: string): boolean {
  let p = 0
  let at = 0
  let many = -1
  let resume = 0
  while (at < text.length) {
    const wanted = pattern[p]
    if (wanted === ANY_MANY) {
      many = p++
      resume = at
    } else if (wanted === ANY_ONE) {
      p++
      at += widthAt(text, at)
    } else if (wanted !== undefined && wanted === text[at]) {
      p++
      at++
    } else if (many >= 0) {
      p = many + 1
      resume += widthAt(text, resume)
      at = resume
    } else {
      return false
    }
  }
  while (pattern[p] === ANY_MANY) p++
  return p === pattern.length
}

/** A character beyond the first 65,536 takes two units. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
