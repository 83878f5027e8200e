import { readFileSync } from 'node:fs'
import type { ConfigSource, Environment } from './config.ts'

/** The process's own environment: read here and nowhere else. */
export function processEnvironment(): Environment {
  return process.env
}

export function processConfig(): ConfigSource {
  return { env: process.env, readFile: (path) => readFileSync(path, 'utf8') }
}
