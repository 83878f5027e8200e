import { checkCustomerKey } from '../encryption/check-customer-key.ts'
import { expirationTeller } from '../lifecycle/tell-expiration.ts'
import { existing, planRead, readInputs } from '../objects/read-object.ts'
import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export const headObject = operation({
  name: 'HeadObject',
  route: { method: 'HEAD', on: 'object' },
  // S3 knows no action of its own for it.
  action: 's3:GetObject',
  lookUp: 'object',
  request: readInputs,
  payload: noBody,
  status: 200,
  async handle(call, input, signal) {
    checkCustomerKey(call.engine, existing(call.found, input), input.customerKey)
    const { reply, sizeBytes } = planRead(call, call.found, input, await expirationTeller(call, signal))
    return reply.status === 304 ? reply : { ...reply, stream: { sizeBytes, bytes: nothing } }
  },
})

/** A HEAD's body is never asked for. */
const nothing: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} }
