import { alternatives, type Place, quote, type Values, valuePlaces, walked } from './tree.ts'

/** For bash 3.2 and later; nothing is run or read when a word is completed. */
export function bashScript(places: readonly Place[]): string {
  return `# bash completion of sextant, made by: sextant completion bash
_sextant() {
  local at='' words='' options='' word i IFS=$' \\t\\n'
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$at $word" in
      ${alternatives(walked(places))}) at="$at $word" ;;
    esac
  done
  case "$at $previous" in
${valueCases(places)}
  esac
  case "$at" in
${places.map(placeCase).join('\n')}
  esac
  if [[ $current == -* || -z $words ]]; then words=$options; fi
  if [[ $words == paths ]]; then
    _sextant_paths "$current"
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}

_sextant_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}

complete -F _sextant sextant
`
}

function valueCases(places: readonly Place[]): string {
  const values = valuePlaces(places)
  const of = (value: 'paths' | 'anything') => values.filter((one) => one.value === value).map(({ at }) => at)
  const listed = values.flatMap(({ at, value }) => (typeof value === 'string' ? [] : [{ at, value }]))
  return [
    ...listed.map(
      ({ at, value }) =>
        `    ${quote(at)}) COMPREPLY=($(compgen -W ${quote(value.join(' '))} -- "$current")); return ;;`,
    ),
    ...[
      { texts: of('paths'), act: '_sextant_paths "$current"; return' },
      { texts: of('anything'), act: 'return' },
    ]
      .filter(({ texts }) => texts.length > 0)
      .map(({ texts, act }) => `    ${alternatives(texts)}) ${act} ;;`),
  ].join('\n')
}

/** Words first; options after a hyphen, or where there are no words. */
function placeCase({ at, commands, options, argument }: Place): string {
  const words = commands.length > 0 ? commands.map(({ word }) => word).join(' ') : argumentWords(argument)
  const flags = options.map(({ word }) => word).join(' ')
  return `    ${quote(at)}) words=${quote(words)} options=${quote(flags)} ;;`
}

function argumentWords(argument: Values | undefined): string {
  if (argument === undefined) return ''
  return argument === 'paths' ? argument : argument.join(' ')
}
