import type { Command } from 'commander'
import { type ReadSetting, readAll } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { printJson, printTable } from '../output.ts'

export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('list every setting: its value, its default, and where the value comes from')
    .option('--json', 'as one line of JSON')
    .action(({ json }: { json?: true }) => {
      const rows = readAll(processConfig()).map(toRow)
      if (json) printJson(rows)
      else printTable([['SETTING', 'VALUE', 'DEFAULT', 'FROM'], ...rows.map(toCells)])
    })
}

type Row = ReturnType<typeof toRow>

/** The value as it is written in the environment; a secret's is never shown. */
function toRow({ setting, written, origin }: ReadSetting) {
  return {
    name: setting.name,
    value: setting.secret && written !== undefined ? '********' : (written ?? null),
    default: setting.default ?? null,
    origin,
    secret: setting.secret,
    readBy: setting.readBy,
    allowed: setting.kind.allowed,
    about: setting.about,
  }
}

function toCells({ name, value, default: byDefault, origin }: Row): string[] {
  return [name, value ?? '-', byDefault ?? '-', origin]
}
