/** What came of conditional writes of one key that were made at once, with nothing else going on. */
export interface RaceOutcome {
  answers: readonly { etag: string; status: number | undefined }[]
  /** The ETag that the key had afterwards. */
  left: string
  /** How many versions of the key were listed afterwards. */
  versions: number
}

/**
 * What is wrong, in words: exactly one must win, the others hear 412 (or 409: try again), and what won is there, and
 * nothing that lost.
 */
export function judgeRace({ answers, left, versions }: RaceOutcome, versionsExpected: number): string[] {
  const winners = answers.filter(({ status }) => status === 200)
  const others = answers.filter(({ status }) => status !== 200 && status !== 412 && status !== 409)
  return [
    ...(winners.length === 1 ? [] : [`${winners.length} winners`]),
    ...(winners.length === 1 && winners[0]!.etag !== left
      ? [`the winner is ${winners[0]!.etag}, and ${left} is there`]
      : []),
    ...(versions === versionsExpected ? [] : [`${versions} versions instead of ${versionsExpected}`]),
    ...others.map(({ status }) => `one was answered ${status ?? 'nothing'}`),
  ]
}
