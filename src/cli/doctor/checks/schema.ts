import { aboutDatabase } from '../about-database.ts'
import { failure, ok } from '../check.ts'

export const schema = aboutDatabase('schema', ({ schema: { missing, strange, isMade } }, { role }) => {
  if (strange !== undefined)
    return failure(
      `The database was migrated by a newer Sextant (step ${strange}), and this one cannot work with it: use that version or a later one.`,
    )
  if (missing.length === 0) return ok("the database is of this program's version")
  const what = isMade ? `lacks ${missing.length} of this program's steps` : 'was never migrated'
  if (role === 'up') return ok(`the database ${what}; \`sextant up\` takes them when it starts`)
  return failure(`The database ${what}: run \`sextant migrate\`.`)
})
