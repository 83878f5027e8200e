-- Encryption at rest. The store's own keys are derived of the sealing key and a generation; here stands which is the newest.
create table key_generations (
  generation int primary key check (generation > 0),
  made_at timestamptz(3) not null default clock_timestamp()
);
comment on table key_generations is 'Rotations of the store''s own keys: new data keys are sealed under the highest; empty: 1';
comment on column objects.encryption is 'kind, sealedKey, sealedBy, keyId, context, isBucketKey; null: not encrypted';
comment on column upload_sessions.encryption is 'What the object will have; parts are encrypted with the same data key';

-- For whoever seals data keys anew; what is not encrypted enters nothing.
create index objects_encrypted on objects (bucket_id, key, version_id) where encryption is not null;
