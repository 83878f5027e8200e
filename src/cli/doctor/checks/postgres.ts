import { SERVER_VERSION_MIN } from '../../../meta/migrate.ts'
import { type Check, type Finding, failure, orOk, skipped } from '../check.ts'

export const postgres: Check = {
  name: 'PostgreSQL',
  async run(context) {
    const asked = await context.database()
    if (asked.is === 'none') return skipped(asked.reason)
    if (asked.is === 'away')
      return failure(`PostgreSQL does not answer (${asked.reason}): is it running, and is DATABASE_URL right?`)
    const { version, major, encoding, isStandby } = asked.value
    const wrong: Finding[] = []
    if (major < SERVER_VERSION_MIN)
      wrong.push(failure(`PostgreSQL is ${version}, and Sextant needs ${SERVER_VERSION_MIN} or later: upgrade it.`))
    if (encoding !== 'UTF8')
      wrong.push(failure(`The database is encoded in ${encoding}: create one with encoding 'UTF8'.`))
    if (isStandby)
      wrong.push(failure('PostgreSQL is a standby, which takes no writes: name the primary in DATABASE_URL.'))
    return orOk(wrong, `PostgreSQL ${version} answers`)
  },
}
