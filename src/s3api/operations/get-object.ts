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
    const { reply, range, sizeBytes } = planRead(call, call.found, input)
    if (!range) return reply
    const object = existing(call.found, input)
    return { ...reply, stream: { sizeBytes, bytes: call.engine.readObject({ ...call.found, object }, range, signal) } }
  },
})
