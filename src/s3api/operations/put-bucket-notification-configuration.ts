import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { headerOr } from '../fields.ts'
import { notificationConfiguration } from '../notifications/configuration.ts'
import { parseConfiguration } from '../notifications/parse-configuration.ts'
import { operation, xmlPayload } from '../operation.ts'

/** An empty one takes it away. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html */
export const putBucketNotificationConfiguration = operation({
  name: 'PutBucketNotificationConfiguration',
  route: { method: 'PUT', on: 'bucket', query: ['notification'] },
  action: 's3:PutBucketNotification',
  lookUp: 'bucket',
  request: { validates: headerOr('x-amz-skip-destination-validation', refuseSkipping, true) },
  payload: xmlPayload('NotificationConfiguration', notificationConfiguration, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  note: 'to webhooks and PostgreSQL channels that the operator has set up; EventBridge is refused, no test event is sent',
  async handle({ engine, bucket, document, settings }, _input, signal) {
    const rules = parseConfiguration(document, settings.notificationTargets)
    const value = rules.length > 0 ? rules : undefined
    await engine.catalogue.changeBucketSetting({ bucket, name: 'notification', value }, signal)
    return {}
  },
})

/** Events for what nobody has set up would be kept for nobody. Fault: NotImplemented. */
function refuseSkipping(text: string): true {
  if (text.trim().toLowerCase() !== 'false') {
    throw new StoreFault('NotImplemented', { feature: 'Targets that are not validated' })
  }
  return true
}
