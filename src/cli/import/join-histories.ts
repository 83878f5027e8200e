import { compareKeys, type History, type KeyHistory } from './versions.ts'

export interface Joined {
  source: KeyHistory
  here: History
}

/**
 * Each key of the source with what the destination's listing has of it; both in the order of keys. A source that lists in
 * another order is asked about key by key, by `look`.
 */
export async function* joinHistories(
  source: AsyncIterable<KeyHistory>,
  here: AsyncIterator<KeyHistory>,
  look: (key: string) => Promise<History>,
): AsyncGenerator<Joined> {
  let ahead: KeyHistory | undefined
  let isOver = false
  let last: string | undefined
  for await (const history of source) {
    const { key } = history
    if (last !== undefined && compareKeys(key, last) <= 0) {
      yield { source: history, here: await look(key) }
      continue
    }
    last = key
    while (!isOver && (!ahead || compareKeys(ahead.key, key) < 0)) {
      const next = await here.next()
      isOver = next.done === true
      ahead = next.done ? undefined : next.value
    }
    yield { source: history, here: ahead?.key === key ? ahead.versions : [] }
  }
}
