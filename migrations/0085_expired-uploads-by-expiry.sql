-- Uploads that are over are found by their time alone: a plan that was made while there were none read all open ones by name.

-- As in 0008, with the states in variables: a condition that says 'open' makes the index of open uploads by name one that
-- can be read whole, and on a table that was empty when it was last looked at, that seems to cost nothing.
create or replace function expire_uploads_v1(rows_max int) returns int language plpgsql as $$
declare
  now_ms timestamptz := clock_timestamp(); -- in a variable: a volatile function in a condition keeps the index from being used
  open text := 'open';
  done text := 'completed';
  expired uuid[];
  completed uuid[];
begin
  select array_agg(e.upload_id) into expired from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = open and s.state <> 'forgotten'
     order by s.expires_at limit rows_max for update skip locked) as e;
  select array_agg(e.upload_id) into completed from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = done and s.state <> 'forgotten'
     order by s.expires_at limit rows_max for update skip locked) as e;
  perform drop_uploads_v1(coalesce(expired, '{}') || coalesce(completed, '{}'));
  return coalesce(cardinality(expired), 0);
end $$;
