import { isLoopback } from '../../../base/tls/cluster-credentials.ts'
import { type Check, type Finding, orOk, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

/** Addresses that nobody's proxies have all of: documentation's, RFC 5737 and 3849. */
const STRANGERS = ['192.0.2.1', '203.0.113.77', '2001:db8::1']

/** Whose address counts, where lists and limits hang on it. */
export const proxies: Check = {
  name: 'proxies',
  async run({ role, settings }) {
    if (role === 'storage-node') return skipped('clients do not come here')
    const users = addressUsers(settings)
    const wrong: Finding[] = []
    if (settings.trustedProxies && STRANGERS.every((address) => settings.trustedProxies!.contains(address)))
      wrong.push(
        warning(
          'SEXTANT_TRUSTED_PROXIES holds any address, so every client may say where it is: name your proxies alone.',
        ),
      )
    if (users.length > 0 && !settings.trustedProxies && isLoopback(settings.s3Host))
      wrong.push(
        warning(
          `The S3 port is open to this host alone, so clients come by a proxy and all have its address, which ${users.join(', ')} counts by: set SEXTANT_TRUSTED_PROXIES.`,
        ),
      )
    return orOk(wrong, users.length > 0 ? `${users.join(', ')}: clients' addresses are told apart` : NOTHING)
  },
}

const NOTHING = 'no list and no limit hangs on addresses'

function addressUsers(settings: DoctorContext['settings']): string[] {
  const { allowedAddresses, addressRequestsPerSecond, addressBytesPerSecond } = settings
  return [
    ...(allowedAddresses ? ['SEXTANT_ALLOWED_ADDRESSES'] : []),
    ...(addressRequestsPerSecond !== undefined ? ['SEXTANT_ADDRESS_REQUESTS_PER_SECOND'] : []),
    ...(addressBytesPerSecond !== undefined ? ['SEXTANT_ADDRESS_BYTES_PER_SECOND'] : []),
  ]
}
