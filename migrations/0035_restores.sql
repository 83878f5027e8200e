-- How a database that was restored from an older state is recognised, and what nobody may delete from then on: the chunks
-- of parts that it may have forgotten (docs/adr/0010-restored-databases.md).

-- A heartbeat counts one further here, and its node keeps the count that it was answered. So a node never knows a higher
-- one than this row, unless it spoke to a later state of the database than this one.
alter table storage_servers add column beats bigint not null default 0;
comment on column storage_servers.beats is 'Heartbeats so far. A node that knows a higher number spoke to a later state of this database: it was restored';

-- Databases that hold less than the nodes do. From when one is marked until somebody releases it, nothing is deleted for that
-- this database does not know it, as far as sessions below the floor wrote it.
create table catalogue_restores (
  restore_id int generated always as identity primary key,
  kind text not null check (kind in ('backup', 'rebuild', 'recognised')),
  restored_at timestamptz not null default clock_timestamp(),
  taken_at timestamptz,
  session_floor int not null,
  server_numbers int[] not null default '{}',
  released_at timestamptz
);
create index catalogue_restores_open on catalogue_restores (session_floor) where released_at is null;
comment on table catalogue_restores is
  'Chunks of parts that this database does not know may be somebody''s acknowledged data: what sessions below session_floor wrote is kept, until released_at is set';
comment on column catalogue_restores.kind is 'backup, rebuild: marked by the command that made it; recognised: by what storage servers know';
comment on column catalogue_restores.taken_at is 'The backup holds what was committed before; null: not known';
comment on column catalogue_restores.server_numbers is 'Servers that have spoken to a later state of this database than this one';

-- What sessions below this one wrote is in doubt; 0: nothing is.
create function session_floor_v1() returns int language sql stable as $$
  select coalesce(max(r.session_floor), 0) from catalogue_restores r where r.released_at is null
$$;

-- A server knows of more heartbeats than this database, so it was restored: whatever was written by sessions so far is in
-- doubt, and later ones get numbers that no session of the time that was lost had. Each server tells of it once, and all of
-- them of the same restore; one that tells of it again tells of another one.
create function mark_recognised_v1(server int) returns void language plpgsql as $$
declare
  skipped constant int := 1048576; -- more sessions than are opened in any time that is lost
  session_max constant int := 2147000000;
  next_session int;
  same_restore int;
begin
  perform pg_advisory_xact_lock(6, 0);
  select case when q.is_called then q.last_value + 1 else q.last_value end into next_session from gateway_session_seq q;
  select r.restore_id into same_restore from catalogue_restores r
   where r.released_at is null and r.session_floor = next_session and server <> all (r.server_numbers) limit 1;
  if same_restore is not null then
    update catalogue_restores r set server_numbers = r.server_numbers || server where r.restore_id = same_restore;
  else
    next_session := least(next_session::bigint + skipped, session_max);
    perform setval('gateway_session_seq', next_session, false);
    insert into catalogue_restores (kind, session_floor, server_numbers) values ('recognised', next_session, array[server]);
  end if;
  -- What repairs had left over by then may be the only copy by now. Forgotten, it is found again as an orphan.
  delete from stray_chunks s where s.state = 'left over';
end $$;

-- As end_expired_sessions_v1, but for sessions in doubt: what they wrote is not to be swept.
create function end_expired_sessions_v2() returns setof int language plpgsql as $$
declare
  n int;
begin
  for n in
    select s.gateway_session from upload_sessions s
     where s.kind = 'gateway' and s.state in ('open', 'closed') and s.expires_at <= now()
       and s.gateway_session >= session_floor_v1()
     order by s.gateway_session
  loop
    perform pg_advisory_xact_lock(2, n);
    update upload_sessions s set state = 'closed'
     where s.gateway_session = n and s.kind = 'gateway' and s.state in ('open', 'closed') and s.expires_at <= clock_timestamp();
    if found then
      return next n;
    end if;
  end loop;
end $$;

-- As expire_uploads_v1, but not while the database is in doubt: an upload may have become an object in the time that was lost.
create function expire_uploads_v2(rows_max int) returns int language sql as $$
  select case when exists (select from catalogue_restores r where r.released_at is null) then 0 else expire_uploads_v1(rows_max) end
$$;

-- Of these chunks on a server, those that no part has there, nor can come to have there from now on: they may be deleted, and
-- those that are strays must then be forgotten. A part that is not known can be committed by its gateway's session
-- alone: its number is taken away first. A known one can come to have the chunk there by a repair alone, which a stray
-- that is being deleted bars (0021).
create function claim_orphans_v1(server int, part_ids uuid[], chunk_numbers int[])
returns table (part_id uuid, chunk_number int, is_stray boolean) language plpgsql as $$
#variable_conflict use_column
declare
  floor int := session_floor_v1();
  n int;
begin
  for n in
    select distinct session_of_part_v1(i.part_id) as session from unnest(part_ids) as i (part_id)
     where session_of_part_v1(i.part_id) >= floor
       and not exists (select from parts p where p.part_id = i.part_id)
       and not exists (select from upload_sessions s where s.gateway_session = session_of_part_v1(i.part_id) and s.kind = 'gateway')
     order by 1
  loop
    perform pg_advisory_xact_lock(2, n);
    insert into upload_sessions (upload_id, kind, state, expires_at, gateway_session)
    values (gen_random_uuid(), 'gateway', 'forgotten', clock_timestamp(), n) on conflict do nothing;
  end loop;

  insert into stray_chunks (part_id, chunk_number, server_number, state, delete_after)
  select i.part_id, i.chunk_number, server, 'being deleted', clock_timestamp()
    from unnest(part_ids, chunk_numbers) as i (part_id, chunk_number)
    join parts p on p.part_id = i.part_id and p.servers[i.chunk_number + 1] is distinct from server
   where session_of_part_v1(i.part_id) >= floor
   order by 1, 2
  on conflict do nothing;
  -- A repair may have named one just before.
  delete from stray_chunks s using unnest(part_ids, chunk_numbers) as i (part_id, chunk_number), parts p
   where s.part_id = i.part_id and s.chunk_number = i.chunk_number and s.server_number = server and s.state = 'being deleted'
     and p.part_id = s.part_id and p.servers[s.chunk_number + 1] = server;

  return query
    select i.part_id, i.chunk_number, s.part_id is not null
      from unnest(part_ids, chunk_numbers) as i (part_id, chunk_number)
      left join stray_chunks s on s.part_id = i.part_id and s.chunk_number = i.chunk_number
        and s.server_number = server and s.state = 'being deleted'
     where session_of_part_v1(i.part_id) >= floor
       and case when exists (select from parts p where p.part_id = i.part_id) then s.part_id is not null
                else exists (select from upload_sessions g where g.gateway_session = session_of_part_v1(i.part_id)
                                and g.kind = 'gateway' and g.state = 'forgotten') end;
end $$;

insert into jobs (name) values ('orphans');
