import { aboutDatabase } from '../about-database.ts'
import { type Finding, failure, orOk, warning } from '../check.ts'

/** What a commit is worth: whether it outlives a power cut. */
const SAFE_COMMITS = ['on', 'remote_apply']

export const postgresDurability = aboutDatabase('PostgreSQL durability', ({ settings, synchronousCommit }) => {
  const wrong: Finding[] = []
  if (settings.fsync !== 'on')
    wrong.push(
      failure('PostgreSQL runs with fsync = off, so a power cut may take the whole database: set it on and restart.'),
    )
  if (settings.fullPageWrites !== 'on')
    wrong.push(
      failure(
        'PostgreSQL runs with full_page_writes = off, so a power cut may leave torn pages: set it on and reload.',
      ),
    )
  if (!SAFE_COMMITS.includes(synchronousCommit))
    wrong.push(
      failure(
        `Sextant asks for synchronous_commit = on and gets ${synchronousCommit}, so what is acknowledged may be lost: have the pooler between pass on the connection's options.`,
      ),
    )
  else if (!SAFE_COMMITS.includes(settings.synchronousCommit))
    wrong.push(
      warning(
        `PostgreSQL's synchronous_commit is ${settings.synchronousCommit}; Sextant's own connections have it on, but what you write yourself may be lost: set it on.`,
      ),
    )
  return orOk(wrong, 'what PostgreSQL has committed is on disk')
})
