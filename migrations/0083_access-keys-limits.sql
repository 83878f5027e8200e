-- How much an access key may ask for.

alter table access_keys add column limits jsonb;
comment on column access_keys.limits is 'requestsPerSecond, bytesPerSecond (0: none), in place of what the settings say; null: as they say';
