/** Rows of authorisation.test.ts: in a bucket that tells nobody, whoever may ask learns just that. */
export const notificationRows = {
  GetBucketNotificationConfiguration: { method: 'GET', path: '/BUCKET?notification', status: 200 },
  PutBucketNotificationConfiguration: {
    method: 'PUT',
    path: '/BUCKET?notification',
    body: '<NotificationConfiguration/>',
    status: 200,
  },
}
