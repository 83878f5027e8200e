-- Access keys that change while gateways hold them: whoever changes one tells of it by NOTIFY sextant_keys.

alter table access_keys
  add column former_secret bytea,
  add column former_until timestamptz,
  add constraint access_keys_former check ((former_secret is null) = (former_until is null));
comment on column access_keys.former_secret is 'What was rotated away, sealed as sealed_secret is; good until former_until';
comment on column access_keys.last_used_at is 'Within some minutes: gateways write it behind, many keys at once';
