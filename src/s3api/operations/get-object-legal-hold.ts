import { StoreFault } from '../../base/faults.ts'
import { objectKey } from '../fields.ts'
import { findLocked } from '../lock/find-locked.ts'
import { legalHold } from '../lock/legal-hold.ts'
import { versionId } from '../objects/version.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html */
export const getObjectLegalHold = operation({
  name: 'GetObjectLegalHold',
  route: { method: 'GET', on: 'object', query: ['legal-hold'] },
  action: 's3:GetObjectLegalHold',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: noBody,
  status: 200,
  body: xml('LegalHold', legalHold),
  async handle(call, input) {
    const { extras, key } = findLocked(call, input)
    const isOn = extras?.lock?.legalHold
    if (isOn === undefined) throw new StoreFault('NoSuchObjectLockConfiguration', { key })
    return { output: { Status: isOn ? 'ON' : 'OFF' } }
  },
})
