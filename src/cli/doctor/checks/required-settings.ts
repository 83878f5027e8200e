import { ConfigError, type Settings } from '../../../base/config.ts'
import { silentLog } from '../../../base/log.ts'
import { CommandFailure } from '../../failure.ts'
import { checkNodeHost, openClusterCredentials } from '../../processes/cluster-credentials.ts'
import { checkTogether, required } from '../../processes/required.ts'
import { rootFromSettings } from '../../up/secrets.ts'
import { type Check, failure, ok } from '../check.ts'
import type { DoctorContext } from '../context.ts'

/** That each is allowed is known by then; this is what goes together, and what such a process cannot do without. */
export const requiredSettings: Check = {
  name: 'settings',
  async run(context) {
    try {
      await NEEDS[context.role](context)
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map(failure)
      if (error instanceof CommandFailure) return failure(error.message)
      throw error
    }
    return ok(`the settings are good for ${WORDS[context.role]}`)
  },
}

const WORDS = { up: '`sextant up`', gateway: 'a gateway', 'storage-node': 'a storage node' }

const NEEDS: Readonly<Record<DoctorContext['role'], (context: DoctorContext) => Promise<void>>> = {
  async up({ settings }) {
    checkTogether(settings)
    rootFromSettings(settings)
  },
  async gateway(context) {
    checkTogether(context.settings)
    required(context.settings, ['databaseUrl', 'sealingKey'])
    await tryCredentials(context, () => {})
  },
  async 'storage-node'(context) {
    required(context.settings, ['databaseUrl'])
    await tryCredentials(context, checkNodeHost)
  },
}

async function tryCredentials(
  { settings, clock }: DoctorContext,
  check: (credentials: Awaited<ReturnType<typeof openClusterCredentials>>, settings: Settings) => void,
): Promise<void> {
  using credentials = await openClusterCredentials({ settings, clock, log: silentLog })
  check(credentials, settings)
}
