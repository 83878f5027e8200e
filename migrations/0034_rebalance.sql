-- Rebalance: what is stored goes to where the ring has it today. Only when it is asked for.

insert into jobs (name, due_at) values ('rebalance', 'infinity');
