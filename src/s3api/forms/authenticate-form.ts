import { StoreFault } from '../../base/faults.ts'
import { type AuthenticateDeps, bySecretOf, findKey, type Identity, v2Refused } from '../auth/authenticate.ts'
import { parseCredential } from '../auth/credential.ts'
import { isSignatureOf, signingKeyFor } from '../auth/signing-key.ts'
import { isSha1SignatureOf } from '../auth/sigv2.ts'
import { invalid } from '../fields.ts'
import { parseAmzDate } from '../names/http-date.ts'

type Fields = ReadonlyMap<string, string>

/**
 * Who signed the form's policy; anonymous where nobody did. What the signature covers is the policy, and the policy has to
 * cover the rest. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 * Faults: InvalidArgument (a field is missing), AuthorizationQueryParametersError, ExpiredToken, InvalidAccessKeyId,
 * InvalidRequest (SigV2 where it is off), InvalidToken, SignatureDoesNotMatch.
 */
export async function authenticateForm(fields: Fields, deps: AuthenticateDeps, signal: AbortSignal): Promise<Identity> {
  if (fields.has('x-amz-security-token')) throw new StoreFault('InvalidToken', {})
  if (V4_FIELDS.some((name) => fields.has(name))) return await byV4(fields, deps, signal)
  const isSigned = V2_FIELDS.some((name) => fields.has(name)) || fields.has('policy')
  return isSigned ? await byV2(fields, deps, signal) : { kind: 'anonymous', payload: UNSIGNED }
}

const V4_FIELDS = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature']
const V2_FIELDS = ['awsaccesskeyid', 'signature']
const UNSIGNED = { kind: 'unsigned' } as const

async function byV4(fields: Fields, deps: AuthenticateDeps, signal: AbortSignal): Promise<Identity> {
  const algorithm = needed(fields, 'X-Amz-Algorithm')
  const credentialText = needed(fields, 'X-Amz-Credential')
  const timestamp = needed(fields, 'X-Amz-Date')
  const policy = signedPolicy(fields)
  const signature = needed(fields, 'X-Amz-Signature')
  if (algorithm !== 'AWS4-HMAC-SHA256') throw badParameters('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  if (parseAmzDate(timestamp) === undefined) {
    throw badParameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  }
  const credential = parseCredential(credentialText, { region: deps.region, timestamp }, (reason, region) =>
    badParameters(`Error parsing the X-Amz-Credential parameter; ${reason}`, region),
  )
  const accessKey = await findKey(credential.accessKeyId, deps, signal)
  bySecretOf(accessKey, deps.clock, (key) => {
    const signingKey = signingKeyFor(key, credential.date, credential.region)
    if (!isSignatureOf(signingKey, policy, signature)) throw mismatch(key.accessKeyId, policy, signature)
  })
  return { kind: 'account', accessKey, via: 'form', payload: UNSIGNED }
}

async function byV2(fields: Fields, deps: AuthenticateDeps, signal: AbortSignal): Promise<Identity> {
  if (deps.sigV2 === 'off') throw v2Refused()
  const id = needed(fields, 'AWSAccessKeyId')
  const policy = signedPolicy(fields)
  const signature = needed(fields, 'Signature')
  const accessKey = await findKey(id, deps, signal)
  bySecretOf(accessKey, deps.clock, ({ accessKeyId, secretAccessKey }) => {
    if (!isSha1SignatureOf(secretAccessKey, policy, signature)) throw mismatch(accessKeyId, policy, signature)
  })
  return { kind: 'account', accessKey, via: 'form', payload: UNSIGNED }
}

/** Base64 and nothing else: what is hashed as one byte could be read as another character, or as none. */
function signedPolicy(fields: Fields): string {
  const policy = needed(fields, 'Policy')
  if (/^[A-Za-z0-9+/=\r\n]*$/.test(policy)) return policy
  throw new StoreFault('InvalidPolicyDocument', { reason: 'Invalid base64.' })
}

function needed(fields: Fields, name: string): string {
  const value = fields.get(name.toLowerCase())
  if (!value) throw missingField(name)
  return value
}

/** In S3's words, two spaces and all. */
export function missingField(name: string): StoreFault {
  return invalid(
    name,
    '',
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
  )
}

function badParameters(reason: string, region?: string): StoreFault {
  return new StoreFault('AuthorizationQueryParametersError', { reason, ...(region === undefined ? {} : { region }) })
}

function mismatch(accessKeyId: string, stringToSign: string, signature: string): StoreFault {
  return new StoreFault('SignatureDoesNotMatch', { accessKeyId, stringToSign, signature: signature.slice(0, 128) })
}
