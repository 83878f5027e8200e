import { type LineFile, openLineFile } from '../../base/line-file.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import type { ProcessDeps } from './deps.ts'

/** The file of the audit log, where the settings name one: looked for again on SIGHUP. Fault: CommandFailure. */
export async function openAuditLog({ settings, clock, log }: ProcessDeps): Promise<LineFile | undefined> {
  const { auditLog: path } = settings
  if (path === undefined) return undefined
  try {
    const file = await openLineFile({ path, clock, log })
    const onHangUp = () => void file.look()
    process.on('SIGHUP', onHangUp)
    return {
      ...file,
      async [Symbol.asyncDispose]() {
        process.off('SIGHUP', onHangUp)
        await file[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    throw new CommandFailure(`The audit log cannot be written: ${messageOf(error)}`, { cause: error })
  }
}
