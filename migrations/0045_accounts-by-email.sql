-- Grants may name an account by its address.
create index accounts_by_email on accounts (email) where email <> '';
