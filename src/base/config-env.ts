import { readFileSync } from 'node:fs'
import type { ConfigSource } from './config.ts'

/** The process's own environment: read here and nowhere else. */
export function processConfig(): ConfigSource {
  return { env: process.env, readFile: (path) => readFileSync(path, 'utf8') }
}
