import { alternatives, type Place, quote, type Told, valuePlaces, walked } from './tree.ts'

/** To be sourced behind compinit, or to lie as `_sextant` in a directory of fpath. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef sextant
# zsh completion of sextant, made by: sextant completion zsh
_sextant() {
  local at='' word previous=\${words[CURRENT-1]} argument=''
  local -a found options
  for word in \${words[2,CURRENT-1]}; do
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
  if [[ $PREFIX == -* ]]; then
    _describe -o option options
  elif [[ $argument == paths ]]; then
    _files
  elif (( $#found )); then
    _describe command found
  else
    _describe -o option options
  fi
}

if [[ $funcstack[1] == _sextant ]]; then _sextant "$@"; else compdef _sextant sextant; fi
`
}

function valueCases(places: readonly Place[]): string {
  return valuePlaces(places)
    .map(({ at, value }) => {
      if (value === 'paths') return `    ${quote(at)}) _files; return ;;`
      if (value === 'anything') return `    ${quote(at)}) _message value; return ;;`
      return `    ${quote(at)}) compadd -- ${value.map(quote).join(' ')}; return ;;`
    })
    .join('\n')
}

function placeCase({ at, commands, options, argument }: Place): string {
  const listed = typeof argument === 'object' ? argument.map((word) => ({ word, about: '' })) : commands
  const paths = argument === 'paths' ? ' argument=paths' : ''
  return `    ${quote(at)})\n      found=(${described(listed)})\n      options=(${described(options)})${paths} ;;`
}

/** `word:what it is`, where a colon ends the word. */
function described(told: readonly Told[]): string {
  return told.map(({ word, about }) => quote(`${word.replaceAll(':', '\\:')}${about && `:${about}`}`)).join(' ')
}
