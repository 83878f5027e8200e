import type { Place, Told, ToldOption } from './tree.ts'
import { walked } from './tree.ts'

/** For fish 3 and later. */
export function fishScript(places: readonly Place[]): string {
  return `# fish completion of sextant, made by: sextant completion fish
function __sextant_at
    set -l at ''
    set -l typed (commandline -opc)
    set -e typed[1]
    for word in $typed
        switch "$at $word"
            case ${walked(places).map(quote).join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end

complete -c sextant -f
${places.flatMap(placeLines).join('\n')}
`
}

function placeLines({ at, commands, options, argument }: Place): string[] {
  const start = `complete -c sextant -n ${quote(`__sextant_at ${quote(at)}`)}`
  const words = typeof argument === 'object' ? argument.map((word) => ({ word, about: '' })) : commands
  return [
    ...words.map(({ word, about }: Told) => `${start} -a ${quote(word)} -d ${quote(about)}`),
    ...(argument === 'paths' ? [`${start} -F`] : []),
    ...options.map((option) => `${start} -l ${option.word.slice(2)}${valuePart(option)} -d ${quote(option.about)}`),
  ]
}

function valuePart({ value }: ToldOption): string {
  if (value === undefined) return ''
  if (value === 'paths') return ' -r -F'
  return value === 'anything' ? ' -x' : ` -x -a ${quote(value.join(' '))}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
