import { readFileSync, writeFileSync } from 'node:fs'
import { settings } from '../src/base/config.ts'
import type { Setting } from '../src/base/config-setting.ts'

/** Writes docs/settings.md from the table of settings; with --check, fails if it is not what it would write. */
const file = new URL('../docs/settings.md', import.meta.url)
const wanted = renderSettings()
if (!process.argv.includes('--check')) writeFileSync(file, wanted)
else if (readFileSync(file, 'utf8') !== wanted) {
  console.error('docs/settings.md is not what src/base/config-*.ts says: run `npm run docs`.')
  process.exitCode = 1
}

function renderSettings(): string {
  const groups = Map.groupBy(
    settings().map(([, setting]) => setting),
    (setting) => setting.group,
  )
  const sections = Array.from(groups, ([group, rows]) => `## ${group}\n\n${rows.map(renderSetting).join('\n\n')}`)
  return `# Settings

All settings are environment variables. \`sextant config\` lists them with their values, and tells where each comes from.
An unknown \`SEXTANT_…\` variable, or a value that is not allowed, stops the start with a sentence that says so. An empty
variable counts as not set. Sizes may be written with KiB, MiB, GiB or TiB. A secret may lie in a file instead: the
variable's name with \`_FILE\` behind it names the file.

This page is made of the table in \`src/base/config-*.ts\` by \`npm run docs\`.

${sections.join('\n\n')}
`
}

function renderSetting({ name, about, kind, default: byDefault, readBy, secret }: Setting<unknown>): string {
  return `### \`${name}\`

${about}

- default: ${byDefault === undefined ? 'not set' : `\`${byDefault}\``}
- allowed: ${kind.allowed}
- read by: ${readBy.join(', ')}${secret ? `\n- secret: never shown; or \`${name}_FILE\`` : ''}`
}
