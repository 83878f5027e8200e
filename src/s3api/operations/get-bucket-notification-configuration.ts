import { notificationConfiguration } from '../notifications/configuration.ts'
import { writeConfiguration } from '../notifications/write-configuration.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html */
export const getBucketNotificationConfiguration = operation({
  name: 'GetBucketNotificationConfiguration',
  route: { method: 'GET', on: 'bucket', query: ['notification'] },
  action: 's3:GetBucketNotification',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('NotificationConfiguration', notificationConfiguration),
  async handle({ bucket }) {
    return { output: writeConfiguration(bucket.settings.notification ?? []) }
  },
})
