import { createHmac } from 'node:crypto'
import type { PostEvent } from '../upkeep/ports/notifications.ts'

/**
 * A message by HTTP: taken, when the answer is 2xx. A redirect is not followed: it would lead where the operator did not
 * say. Of an answer's body nothing is read.
 */
export const postEvent: PostEvent = async ({ url, secret }, { eventId, body }, signal) => {
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Sextant',
      'x-sextant-event': String(eventId),
      ...(secret !== undefined && { 'x-sextant-signature': `sha256=${hmac(secret, body)}` }),
    },
    redirect: 'manual',
    signal,
  })
  await answer.body?.cancel().catch(() => {}) // what is left of it says nothing
  if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`)
}

function hmac(secret: string, body: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}
