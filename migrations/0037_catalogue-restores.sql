-- How the commands that restore a database or rebuild it mark it.

-- Marks this database as restored, before any gateway sees it; answers the session floor. Sessions are numbered anew from
-- there, beyond any that was given out since the backup was taken (a million of them), or is known by its parts. Those
-- before are over and forgotten, so that no sweep asks the nodes for what they left. Uploads that were open have a week to
-- go on. What repairs noted of chunks left over may have been the other way round since: the notes are dropped.
create function mark_restored_v1(kind text, taken_at timestamptz, session_max int) returns int language plpgsql as $$
#variable_conflict use_column
declare
  how alias for kind;
  taken alias for taken_at;
  session_floor int := greatest((select s.last_value from gateway_session_seq s) + 1000000, session_max + 1);
begin
  perform setval('gateway_session_seq', session_floor, false);
  update upload_sessions s set state = 'forgotten', expires_at = least(s.expires_at, clock_timestamp())
   where s.kind = 'gateway' and s.state <> 'forgotten';
  update upload_sessions s set expires_at = greatest(s.expires_at, clock_timestamp() + interval '7 days')
   where s.kind = 'multipart' and s.state = 'open';
  delete from stray_chunks;
  insert into catalogue_restores (kind, taken_at, session_floor) values (how, taken, session_floor);
  return session_floor;
end $$;
