-- The scrub: every chunk read again and compared with its part's record, once in a period.

insert into jobs (name) values ('scrub');
