import type { Command, Option } from 'commander'
import { codeBlocks } from './markdown.ts'

/** A `sextant …` that a document shows. */
export interface ShownCommand {
  words: string[]
  line: number
  /** Within a sentence, where arguments may be left away. */
  isMention: boolean
}

/** In code blocks, one a line; and in prose, in backticks. */
export function commandsIn(markdown: string): ShownCommand[] {
  const shown = codeBlocks(markdown)
    .filter(({ language }) => ['sh', 'bash', ''].includes(language))
    .flatMap(({ text, line }) =>
      joined(text).flatMap((code, index) => {
        const found = /^\s*(?:[A-Z_]+=\S+ )*(?:npx )?sextant (.*)$/.exec(code)?.[1]
        return found === undefined ? [] : [{ words: wordsOf(found), line: line + index, isMention: false }]
      }),
    )
  const mentioned = markdown.split('\n').flatMap((text, index) =>
    [...text.matchAll(/`(?:npx )?sextant ([^`]+)`/g)].map(([, command]) => ({
      words: wordsOf(command!),
      line: index + 1,
      isMention: true,
    })),
  )
  return [...shown, ...mentioned]
}

/** Lines, those that go on behind a backslash where they begin. */
function joined(text: string): string[] {
  const whole = text.replace(/(?:.*\\\n)+.*/g, (lines) => {
    const count = lines.split('\n').length - 1
    return lines.replaceAll(/\\\n\s*/g, ' ') + '\n'.repeat(count)
  })
  return whole.split('\n')
}

/** What the shell makes the command's: up to a comment, a pipe or another command. */
function wordsOf(text: string): string[] {
  const words = text.replace(/(^|\s)#.*/, '').match(/(?:'[^']*'|"[^"]*"|[^\s'"]+)+/g) ?? []
  const end = words.findIndex((word) => /^(#|[|;&>]|2>)/.test(word))
  return end === -1 ? words : words.slice(0, end)
}

/** What is wrong with it, in words; undefined: the command would take it. */
export function refusalOf(program: Command, { words, isMention }: ShownCommand): string | undefined {
  const { command, rest } = commandOf(program, words)
  if (command === program && rest[0] !== undefined && !/^(--|…|NAME$)/.test(rest[0])) return `no command ${rest[0]}`
  let given = 0
  while (rest.length > 0) {
    const word = rest.shift()!
    if (!word.startsWith('--')) given += word === '…' || word === '[options]' ? 0 : 1
    else if (word !== '--help') {
      const [flag, value] = word.split('=', 2)
      const option = command.options.find(({ long }) => long === flag)
      if (!option) return `no option ${flag}`
      const needsNext = option.required && value === undefined
      if (needsNext && takeValues(option, rest) === 0 && !isMention) return `${flag} wants a value`
    }
  }
  return countRefusal(command, given, isMention)
}

/** Answers how many there were. */
function takeValues({ variadic }: Option, rest: string[]): number {
  const end = variadic ? rest.findIndex((word) => word.startsWith('--')) : 1
  return rest.splice(0, end === -1 ? rest.length : end).length
}

function commandOf(program: Command, words: readonly string[]): { command: Command; rest: string[] } {
  let command = program
  for (let depth = 0; ; depth++) {
    const next = command.commands.find((child) => child.name() === words[depth])
    if (!next) return { command, rest: words.slice(depth) }
    command = next
  }
}

function countRefusal(command: Command, given: number, isMention: boolean): string | undefined {
  const wanted = command.registeredArguments
  const isMore = given > wanted.length && !wanted.some(({ variadic }) => variadic)
  if (isMore && command.commands.length > 0) return 'no such subcommand'
  if (isMore) return `at most ${wanted.length} arguments`
  if (!isMention && given < wanted.filter(({ required }) => required).length) return 'arguments are missing'
  return undefined
}
