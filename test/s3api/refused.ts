import type { Test } from 'tap'
import { StoreFault } from '../../src/base/faults.ts'
import { describeFault } from '../../src/s3api/error-answer.ts'

/** That it is refused, with this of S3's codes and a message like this. */
export function refused(t: Test, run: () => unknown, code: string, message: RegExp): void {
  try {
    run()
    t.fail('it should be refused')
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error
    const described = describeFault(error)
    t.equal(described.code, code)
    t.match(described.message, message)
  }
}
