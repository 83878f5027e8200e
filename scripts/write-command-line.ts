import type { Argument, Command, Option } from 'commander'
import { makeProgram } from '../src/cli/main.ts'
import { keepDocument } from './keep-document.ts'

/** Writes docs/command-line.md from the tree of commands. */
const program = makeProgram()
const sections = leaves(program).map(renderCommand)
keepDocument(
  'command-line.md',
  `# Command line

From a clone it is \`npx sextant …\`. Settings come from the environment alone: [docs/settings.md](settings.md). A command finds its
store by \`DATABASE_URL\`, or else by the data directory (\`SEXTANT_DATA_DIR\`) on which one runs. \`--help\` stands behind every
command. What is printed is for people, with \`--json\` for programs: one line of JSON on standard output. Sentences about what is
wrong go to standard error.

Exit codes: 0, it was done; 1, it failed, and a sentence says why; 2, it was asked for wrongly (an option, an argument, a setting),
and nothing was done.

This page is made of the commands themselves by \`npm run docs\`.

${sections.join('\n\n')}
`,
  'src/cli/commands',
)

/** Those that do something; what only groups others has no section. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

function renderCommand(command: Command): string {
  const usage = ['sextant', ...pathOf(command), command.usage().replace('[options]', '').trim()]
  const rows = [
    ...command.registeredArguments.map((argument) => renderRow(argumentName(argument), argument.description)),
    ...command.options.filter(({ hidden }) => !hidden).map((option) => renderRow(option.flags, optionText(option))),
  ]
  const parts = [
    `## \`sextant ${pathOf(command).join(' ')}\``,
    `${capital(command.description())}.`,
    `\`${usage.filter(Boolean).join(' ')}${rows.length > command.registeredArguments.length ? ' [options]' : ''}\``,
    rows.join('\n'),
    moreOf(command),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

function renderRow(name: string, text: string): string {
  return `- \`${name}\`${text === '' ? '' : `: ${text}`}`
}

function argumentName(argument: Argument): string {
  const inner = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${inner}>` : `[${inner}]`
}

function optionText({ description, mandatory, defaultValue, argChoices }: Option): string {
  const notes = [
    mandatory ? 'must be given' : '',
    argChoices ? `one of ${argChoices.join(', ')}` : '',
    defaultValue === undefined || defaultValue === false ? '' : `default: ${JSON.stringify(defaultValue)}`,
  ].filter(Boolean)
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`
}

/** What --help tells behind the list of options. */
function moreOf(command: Command): string {
  let shown = ''
  const output = {
    writeOut(text: string) {
      shown += text
    },
    getOutHelpWidth: () => 120,
    getOutHasColors: () => false,
  }
  command.configureOutput(output)
  command.outputHelp()
  return shown.slice(command.helpInformation().length).trim()
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
