import { readFileSync, writeFileSync } from 'node:fs'

/** Writes docs/NAME; with --check on the command line, fails if it is not that text already. */
export function keepDocument(name: string, text: string, source: string): void {
  const file = new URL(`../docs/${name}`, import.meta.url)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is not what ${source} gives: run \`npm run docs\`.`)
    process.exitCode = 1
  }
}
