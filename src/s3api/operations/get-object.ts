import { expirationTeller } from '../lifecycle/tell-expiration.ts'
import { existing, planRead, readInputs } from '../objects/read-object.ts'
import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const getObject = operation({
  name: 'GetObject',
  route: { method: 'GET', on: 'object' },
  action: 's3:GetObject',
  lookUp: 'content',
  request: readInputs,
  payload: noBody,
  status: 200,
  async handle(call, input, signal) {
    const object = existing(call.found, input)
    const dataKey = call.engine.unlock(object, input.customerKey?.key)
    const { reply, range, sizeBytes } = planRead(call, call.found, input, await expirationTeller(call, signal))
    if (!range) return reply
    const bytes = call.engine.readObject({ ...call.found, object, dataKey }, range, signal)
    return { ...reply, stream: { sizeBytes, bytes } }
  },
})
