import { type SchemaFit, schemaFit } from '../../meta/migrate.ts'
import { CommandFailure } from '../failure.ts'

const SENTENCES = {
  newer: 'The database was migrated by a newer Sextant: start that version, or a later one.',
  older: 'The database is of an older Sextant: bring it to this version first, by `sextant migrate`.',
  none: 'No Sextant has been in this database: make its tables first, by `sextant migrate`.',
} as const

/**
 * Throws a CommandFailure of one sentence where this version may not work on that database; nothing was changed. A database
 * that is away now is none that does not fit: whoever needs it next tells.
 */
export async function checkSchema(url: string, refused: readonly Exclude<SchemaFit, 'fits'>[]): Promise<void> {
  const fit = await schemaFit(url).catch(() => 'fits' as const)
  if (fit !== 'fits' && refused.includes(fit)) throw new CommandFailure(SENTENCES[fit])
}
