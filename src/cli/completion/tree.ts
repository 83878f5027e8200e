import type { Argument, Command, Option } from 'commander'

/** What may be typed after some words, of the tree of commands. */
export interface Place {
  /** The words so far, each with a space before it: ` key create`. */
  at: string
  commands: readonly Told[]
  options: readonly ToldOption[]
  /** What its first argument may be; undefined: nothing that could be listed. */
  argument: Values | undefined
}

export interface Told {
  word: string
  about: string
}

export interface ToldOption extends Told {
  /** Undefined: it takes none. */
  value: Values | 'anything' | undefined
}

export type Values = 'paths' | readonly string[]

/** Every command of the tree, hidden ones and hidden options left out. */
export function placesOf(program: Command): Place[] {
  return walk(program, '')
}

function walk(command: Command, at: string): Place[] {
  const help = command.createHelp()
  const children = help.visibleCommands(command)
  const commands = children.map((child) => ({ word: child.name(), about: child.description() }))
  const own: Place = {
    at,
    commands,
    options: help.visibleOptions(command).flatMap(toldOption),
    argument: argumentOf(command.registeredArguments[0]),
  }
  const below = children.flatMap((child) => walk(child, `${at} ${child.name()}`))
  return [own, ...below.map((place) => (place.at === `${at} help` ? { ...place, commands } : place))]
}

function toldOption({ long, description: about, required, optional, argChoices, flags }: Option): ToldOption[] {
  if (!long) return []
  const takesValue = required || optional
  return [{ word: long, about, value: takesValue ? (argChoices ?? pathsOr(flags)) : undefined }]
}

function pathsOr(flags: string): 'paths' | 'anything' {
  return /[<[](file|directory)(\.\.\.)?[>\]]/.test(flags) ? 'paths' : 'anything'
}

function argumentOf(argument: Argument | undefined): Values | undefined {
  if (!argument) return undefined
  return argument.argChoices ?? (/^(file|directory)$/.test(argument.name()) ? 'paths' : undefined)
}

/** Where the next word is the value of the option before it: ` bucket set --compression`. */
export function valuePlaces(places: readonly Place[]): { at: string; value: Values | 'anything' }[] {
  return places.flatMap(({ at, options }) =>
    options.flatMap(({ word, value }) => (value === undefined ? [] : [{ at: `${at} ${word}`, value }])),
  )
}

/** For bash and zsh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** `case` patterns for several texts. */
export function alternatives(texts: readonly string[]): string {
  return texts.map(quote).join(' | ')
}

/** Every place but the first, for the walk along the words that were typed. */
export function walked(places: readonly Place[]): string[] {
  return places.map(({ at }) => at).filter((at) => at !== '')
}
