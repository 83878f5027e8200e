const LOCK = '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>'
const HOLD = '<LegalHold><Status>ON</Status></LegalHold>'

/** Rows of authorisation.test.ts: in a bucket without object lock, whoever may ask is told that there is none. */
export const lockRows = {
  GetObjectLegalHold: { method: 'GET', path: '/BUCKET/key?legal-hold', status: 400 },
  GetObjectLockConfiguration: { method: 'GET', path: '/BUCKET?object-lock', status: 404 },
  GetObjectRetention: { method: 'GET', path: '/BUCKET/key?retention', status: 400 },
  PutObjectLegalHold: { method: 'PUT', path: '/BUCKET/key?legal-hold', body: HOLD, status: 400 },
  PutObjectLockConfiguration: { method: 'PUT', path: '/BUCKET?object-lock', body: LOCK, status: 409 },
  PutObjectRetention: { method: 'PUT', path: '/BUCKET/key?retention', body: '<Retention/>', status: 400 },
}
