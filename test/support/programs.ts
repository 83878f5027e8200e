import { spawnSync } from 'node:child_process'

/** Whether a program of Debian's is not on this machine, so that what needs it is skipped; in CI it must be there. */
export function isMissing(program: string): boolean {
  return !process.env.CI && spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined
}
