import type { ServerFacts } from '../../meta/inspect-server.ts'
import { type Check, type Finding, skipped } from './check.ts'
import type { DoctorContext } from './context.ts'

/** A check of what PostgreSQL says of itself; whether it answers at all is told once, by the check `PostgreSQL`. */
export function aboutDatabase(
  name: string,
  judge: (facts: ServerFacts, context: DoctorContext) => Finding | Finding[],
): Check {
  return {
    name,
    async run(context) {
      const asked = await context.database()
      return asked.is === 'there' ? judge(asked.value, context) : skipped('PostgreSQL could not be asked')
    },
  }
}
