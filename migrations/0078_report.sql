-- What metrics tell of the whole cluster is gathered by one gateway at a time, as a job, and read by all.
insert into jobs (name) values ('report');
