import { statement } from '../statement.ts'

export const openSession = statement({
  name: 'open_gateway_session_v1',
  text: /* sql */ `
    insert into upload_sessions (upload_id, kind, state, expires_at, gateway_session)
    values (gen_random_uuid(), 'gateway', 'open', clock_timestamp() + make_interval(secs => $1::float8 / 1000),
            nextval('gateway_session_seq'))
    returning gateway_session`,
  bind: (ttlMs: number) => [ttlMs],
  row: (r) => r.gateway_session as number,
})

/** No row: its time is over, and what it wrote may be swept by now. Index: upload_sessions_of_gateways. */
export const touchSession = statement({
  name: 'touch_gateway_session_v1',
  text: /* sql */ `
    update upload_sessions set expires_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
     where gateway_session = $1 and kind = 'gateway' and state = 'open' and expires_at > clock_timestamp()
    returning gateway_session`,
  bind: (s: { session: number; ttlMs: number }) => [s.session, s.ttlMs],
  row: () => true,
})

/** One that was forgotten already is found once more: its gateway was late, and may have written since it was swept. */
export const closeSession = statement({
  name: 'close_gateway_session_v2',
  text: /* sql */ `
    update upload_sessions set state = 'closed', expires_at = least(expires_at, clock_timestamp())
     where gateway_session = $1 and kind = 'gateway' and state <> 'closed'`,
  bind: (session: number) => [session],
  row: () => undefined,
})

/** Index: upload_sessions_by_expiry. */
export const findExpiredSessions = statement({
  name: 'find_expired_sessions_v2',
  text: 'select gateway_session from end_expired_sessions_v2() as gateway_session',
  bind: (_: undefined) => [],
  row: (r) => r.gateway_session as number,
})

/** The row stays for a month, so that a gateway that wakes up late is still refused. */
export const forgetSession = statement({
  name: 'forget_gateway_session_v1',
  text: /* sql */ `
    with old as (
      delete from upload_sessions
       where kind = 'gateway' and state = 'forgotten' and expires_at < now() - interval '30 days'
    )
    update upload_sessions set state = 'forgotten'
     where gateway_session = $1 and kind = 'gateway' and state <> 'open'`,
  bind: (session: number) => [session],
  row: () => undefined,
})
