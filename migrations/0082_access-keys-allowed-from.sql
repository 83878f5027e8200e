-- Where an access key may be used from.

alter table access_keys add column allowed_from text[];
comment on column access_keys.allowed_from is 'Addresses and CIDR blocks; null: anywhere';
